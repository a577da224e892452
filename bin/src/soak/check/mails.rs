//! Mails, against the log and against what was promised for each: rather twice than never, or rather
//! never than twice.

use std::collections::{BTreeMap, HashMap};

use domain::mail::{FailureReason, MailEvent, Template};

use super::{
    Evidence, Violation,
    history::{Event, History},
};

/// What the log says about one mail.
#[derive(Default)]
struct Told<'a> {
    requested: Option<(&'a Event<'a>, Template)>,
    sending: bool,
    sent: bool,
    failed: Option<FailureReason>,
}

/// The number of mails that arrived.
pub(super) fn check(evidence: &Evidence, history: &History<'_>) -> Result<usize, Violation> {
    let mut told: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.aggregate == "mail") {
        let wrong = |what: String| {
            Violation::new("readable-log", what).at(event.at).about(event.key.clone())
        };
        let recorded = event.element.record::<MailEvent>("mail", event.at.position, event.at.index);
        let mail = told.entry(event.id.as_str()).or_default();
        match recorded.map_err(|error| wrong(error.to_string()))?.event {
            MailEvent::MailRequested(it) => mail.requested = Some((event, it.letter.template())),
            MailEvent::MailSending(_) => mail.sending = true,
            MailEvent::MailDeferred(_) => {}
            MailEvent::MailSent(_) => mail.sent = true,
            MailEvent::MailFailed(it) => mail.failed = Some(it.reason),
        }
    }
    let mut arrived: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, text) in &evidence.mails {
        // `<event>.<mail>@<domain>`
        let id = name.split('@').next().and_then(|name| name.split_once('.')).map(|(_, id)| id);
        let Some(id) = id.filter(|id| told.contains_key(id)) else {
            return Err(Violation::new("mails-as-promised", "a mail that nobody asked for")
                .about(name.clone()));
        };
        arrived.entry(id).or_default().push(text);
    }
    for (id, mail) in &told {
        judge(mail, arrived.get(id).map_or(&[], Vec::as_slice))
            .map_err(|what| violation(id, mail, what))?;
    }
    Ok(evidence.mails.len())
}

fn violation(id: &str, mail: &Told<'_>, what: &str) -> Violation {
    let violation =
        Violation::new("mails-as-promised", what).of("deliver-mail").about(format!("mail.{id}"));
    match mail.requested {
        Some((event, _)) => violation.at(event.at),
        None => violation,
    }
}

fn judge(mail: &Told<'_>, arrived: &[&str]) -> Result<(), &'static str> {
    let Some((_, template)) = mail.requested else { return Err("it was never requested") };
    let once = template == Template::Welcome;
    if once && arrived.len() > 1 {
        return Err("it was sent more than once, and is rather lost than sent twice");
    }
    if arrived.windows(2).any(|pair| pair.first().map(said) != pair.last().map(said)) {
        return Err("the second copy differs from the first");
    }
    match (mail.sent, mail.failed) {
        (true, _) if arrived.is_empty() => Err("it counts as sent and never arrived"),
        (true, _) => Ok(()),
        (false, None) => Err("it has no end"),
        (false, Some(FailureReason::UnknownOutcome)) if !once => {
            Err("it was given up, and is rather sent twice than never")
        }
        (false, Some(FailureReason::UnknownOutcome)) if !mail.sending => {
            Err("it failed without ever being begun")
        }
        (false, Some(FailureReason::UnknownOutcome)) => Ok(()),
        (false, Some(_)) if !arrived.is_empty() => Err("it counts as failed and arrived"),
        (false, Some(_)) => Ok(()),
    }
}

/// What a mail says. It greets by the name that its reader has now.
fn said<'a>(text: &&'a str) -> Vec<&'a str> {
    text.lines().filter(|line| !line.starts_with("Dear ")).collect()
}
