//! A step of the conversation that did not end well, and what that says about the mail.
//! Not here: the conversation.

use std::{error::Error as _, fmt, io};

use lettre::transport::smtp;

use super::Fault;

/// What was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    StartTls,
    Auth,
    Mail,
    Recipient,
    Data,
    Message,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Message => "the message",
        })
    }
}

/// A step that did not end well.
#[derive(Debug)]
pub(super) struct Stumble {
    /// The server's answer, if there was one.
    code: Option<u16>,
    /// Whether it speaks of the server, or of us, and not of this mail.
    of_server: bool,
    /// What happened, without the server's own words: they hold addresses.
    pub(super) told: String,
}

impl Stumble {
    pub(super) fn new(step: Step, error: &smtp::Error) -> Self {
        let code = error.status().map(u16::from);
        let what = match code {
            Some(code) => code.to_string(),
            None if error.is_client() => "the server lacks what is needed".to_owned(),
            None => of_connection(error),
        };
        let words = error.source().map(ToString::to_string).unwrap_or_default();
        let of_server = code.is_some_and(|code| is_of_server(step, code, &words));
        Self { code, of_server, told: format!("{what} after {step}") }
    }

    /// Nothing came.
    pub(super) fn silence(step: Step) -> Self {
        Self { code: None, of_server: true, told: format!("no answer in time after {step}") }
    }

    /// Whether the server has answered.
    pub(super) const fn is_answer(&self) -> bool {
        self.code.is_some()
    }

    /// What it means before the message was handed over, for a step that is about the mail.
    pub(super) fn about_mail(self, permanent: fn(String) -> Fault) -> Fault {
        match self.code {
            None => Fault::Away(self.told),
            Some(_) if self.of_server => Fault::Away(self.told),
            Some(500..) => permanent(self.told),
            Some(_) => Fault::Later(self.told),
        }
    }
}

/// Whether an answer says that no mail of ours fares better now, by the codes of RFC 5321 and, in
/// `words`, of RFC 3463.
fn is_of_server(step: Step, code: u16, words: &str) -> bool {
    // It closes; it does not understand us; it wants us to log in, or to protect the way.
    if matches!(code, 421 | 500 | 502..=504 | 530 | 534 | 535 | 538) {
        return true;
    }
    let enhanced = words.split(' ').next().unwrap_or_default();
    let mut numbers = enhanced.split('.').map(|number| number.parse::<u16>().ok());
    let (Some(Some(class)), Some(Some(subject)), detail) =
        (numbers.next(), numbers.next(), numbers.next().flatten())
    else {
        return false;
    };
    match subject {
        // The mail system itself, unless it says that the message is too big for it.
        3 => detail != Some(4),
        // Before it has seen the message: that it does not relay for us. A mail relay that is told
        // no password says so to every recipient.
        7 => class == 5 && step == Step::Recipient,
        _ => false,
    }
}

/// What happened to the connection.
fn of_connection(error: &smtp::Error) -> String {
    use io::ErrorKind as K;
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let is_cut = matches!(
                error.kind(),
                K::BrokenPipe | K::ConnectionAborted | K::ConnectionReset | K::UnexpectedEof
            );
            if !is_cut {
                return error.to_string();
            }
        }
        cause = error.source();
    }
    "the connection was cut".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_the_server_is_told_from_one_about_the_mail() {
        let table = [
            (Step::Recipient, 421, "4.4.2 Bad connection", true),
            (Step::Recipient, 450, "4.2.0 Greylisted", false),
            (Step::Recipient, 451, "4.7.1 Greylisting in action", false),
            (Step::Recipient, 452, "4.3.1 Insufficient system storage", true),
            (Step::Recipient, 503, "AUTH first", true),
            (Step::Recipient, 530, "Authentication required", true),
            (Step::Recipient, 550, "5.1.1 User unknown", false),
            (Step::Recipient, 550, "no such user", false),
            (Step::Recipient, 554, "5.7.1 <ada@example.org>: Relay access denied", true),
            (Step::Data, 554, "5.3.2 not now", true),
            (Step::Message, 552, "5.3.4 Message too big", false),
            (Step::Message, 554, "5.7.1 looks like spam", false),
            (Step::Message, 554, "", false),
        ];
        for (step, code, words, expected) in table {
            assert_eq!(is_of_server(step, code, words), expected, "{code} {words} after {step}");
        }
    }
}
