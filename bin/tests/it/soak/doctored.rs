//! Whether the check would see a broken promise: true evidence of a run, and then a lie in it.

use headwater::soak::{
    Fault, SECRET,
    check::verdict,
    evidence::{Answer, Due, Evidence, Said, Stored},
};
use infrastructure::{deadletter::Record, replay::Planned};
use kit::Secret;
use serde_json::{Value, json};

use super::soaked;

type Lie = fn(&mut Evidence);

/// A commit's events.
fn events(stored: &Stored) -> Vec<Value> {
    serde_json::from_str(&stored.body).unwrap_or_default()
}

fn write(stored: &mut Stored, events: &[Value]) {
    stored.body = serde_json::to_string(events).unwrap();
}

fn tells(stored: &Stored, kind: &str) -> bool {
    events(stored).iter().any(|event| event["type"] == kind)
}

/// Takes the last commit away that `is_it`, unless another follows on its subject.
fn take_last(evidence: &mut Evidence, is_it: impl Fn(&Stored) -> bool) {
    let last = |at: &usize| {
        let subject = &evidence.log[*at].subject;
        !evidence.log[at + 1..].iter().any(|later| later.subject == *subject)
    };
    let at = (0..evidence.log.len()).rev().filter(|at| is_it(&evidence.log[*at])).find(last);
    evidence.log.remove(at.unwrap());
}

/// Another commit behind everything, made from the last one of a person.
fn add(evidence: &mut Evidence, command: Option<&str>) {
    let is_person = |it: &&Stored| it.subject.starts_with("event.person.p");
    let mut stored = evidence.log.iter().rfind(is_person).unwrap().clone();
    stored.position = evidence.log.last().unwrap().position + 1;
    let mut again = events(&stored);
    let version = again.last().unwrap()["sequence"].as_str().unwrap().parse::<u64>().unwrap();
    for (at, event) in again.iter_mut().enumerate() {
        event["sequence"] = json!(format!("{:010}", version + 1 + at as u64));
        event["id"] = json!(uuid::Uuid::now_v7());
        if let Some(command) = command {
            event["commandid"] = json!(command);
        }
    }
    write(&mut stored, &again);
    evidence.log.push(stored);
}

fn an_acknowledged_command_is_lost(evidence: &mut Evidence) {
    let said: Vec<_> = evidence.said.iter().filter(|said| said.aggregate == "person").collect();
    let told = said.iter().flat_map(|said| &said.answers).filter_map(|answer| match answer {
        Answer::Reply(reply) if !reply.events.is_empty() => Some(reply.position.0),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    take_last(evidence, |stored| told.contains(&stored.position));
}

fn a_command_is_done_twice(evidence: &mut Evidence) {
    add(evidence, None);
}

fn something_is_done_that_nobody_asked_for(evidence: &mut Evidence) {
    add(evidence, Some("nobodys"));
}

fn an_event_stands_twice(evidence: &mut Evidence) {
    add(evidence, Some("nobodys"));
    let first = events(&evidence.log[0])[0]["id"].clone();
    let last = evidence.log.last_mut().unwrap();
    let mut again = events(last);
    again[0]["id"] = first;
    write(last, &again);
}

fn a_version_is_missing(evidence: &mut Evidence) {
    let first = evidence.log.iter().position(|it| tells(it, "person.person-created")).unwrap();
    evidence.log.remove(first);
}

fn two_answers_to_one_command_differ(evidence: &mut Evidence) {
    let replies = evidence.said.iter_mut().map(|said| &mut said.answers);
    let mut replies = replies.filter(
        |answers| matches!(&answers[..], [Answer::Reply(reply), ..] if !reply.events.is_empty()),
    );
    let answers = replies.next().unwrap();
    let mut other = answers[0].clone();
    if let Answer::Reply(reply) = &mut other {
        reply.version.0 += 7;
    }
    answers.push(other);
}

fn a_durable_command_has_no_outcome(evidence: &mut Evidence) {
    let queued = |said: &&Said| matches!(said.answers[..], [Answer::Queued]);
    let command = evidence.said.iter().find(queued).unwrap().command.to_string();
    evidence.results.remove(&command).unwrap();
}

fn a_caller_is_never_answered(evidence: &mut Evidence) {
    evidence.said[0].answers.push(Answer::Nothing("time is up".to_owned()));
}

fn an_order_is_lost(evidence: &mut Evidence) {
    let subject = |it: &&Stored| it.subject.starts_with("event.onboarding.p");
    let subject = evidence.log.iter().find(subject).unwrap().subject.clone();
    evidence.log.retain(|stored| stored.subject != subject);
}

/// The positions of two orders of one key, each for an aggregate of its own or the same.
fn orders_of_one_key_are_swapped(evidence: &mut Evidence) {
    let sent = |due: &Due| {
        matches!(&due.planned, Planned::Send(order)
        if events_of(evidence, order.command_id.as_str()).is_some())
    };
    let sent: Vec<usize> = (0..evidence.due.len()).filter(|at| sent(&evidence.due[*at])).collect();
    let same = |one: &Due, other: &Due| {
        one.handler == other.handler && one.key == other.key && one.position != other.position
    };
    let pairs = sent.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
    let mut pairs = pairs.filter(|(a, b)| same(&evidence.due[*a], &evidence.due[*b]));
    let (one, other) = pairs.next().unwrap();
    evidence.due.swap(one, other);
}

fn events_of(evidence: &Evidence, command: &str) -> Option<u64> {
    let has = |it: &&Stored| events(it).iter().any(|event| event["commandid"] == command);
    evidence.log.iter().find(has).map(|stored| stored.position)
}

/// What follows from an event behind a parked one lands while its key stands still.
fn a_parked_key_is_overtaken(evidence: &mut Evidence) {
    let mut stood = None;
    for letter in &evidence.letters {
        let Ok(Record::Parked(parked)) = Record::decode(letter.body.as_bytes()) else { continue };
        if letter.subject.starts_with("dlq.onboarding-driver.") {
            stood =
                Some((letter.time, letter.subject.replace("dlq.onboarding-driver.", ""), parked));
            break;
        }
    }
    let (since, key, parked) = stood.unwrap();
    let behind = evidence.due.iter().filter(|due| {
        due.handler == "onboarding-driver"
            && due.key == key
            && due.position > parked.event.at.position
    });
    let mut landed = behind.filter_map(|due| match &due.planned {
        Planned::Send(order) => events_of(evidence, order.command_id.as_str()),
        _ => None,
    });
    let landed = landed.next_back().unwrap();
    let stored = evidence.log.iter_mut().find(|it| it.position == landed).unwrap();
    stored.time = since + chrono::TimeDelta::microseconds(1);
}

fn an_unreadable_event_is_passed_over(evidence: &mut Evidence) {
    evidence.letters.retain(|letter| !letter.subject.starts_with("dlq.people."));
}

fn a_key_stands_still_for_ever(evidence: &mut Evidence) {
    let released =
        |it: &Stored| matches!(Record::decode(it.body.as_bytes()), Ok(Record::Released(_)));
    let at = evidence.letters.iter().rposition(released).unwrap();
    evidence.letters.remove(at);
}

fn a_row_is_changed(evidence: &mut Evidence) {
    evidence.rows.get_mut("people").unwrap()[0]["version"] = json!(4711);
}

fn a_row_is_missing(evidence: &mut Evidence) {
    evidence.rows.get_mut("timeline").unwrap().pop();
}

fn a_row_follows_from_nothing(evidence: &mut Evidence) {
    let rows = evidence.rows.get_mut("directory").unwrap();
    rows.push(rows[0].clone());
}

fn the_services_own_verification_finds_a_gap(evidence: &mut Evidence) {
    evidence.verified.get_mut("skills").unwrap().gaps_in_all = 1;
}

fn welcome(evidence: &Evidence) -> usize {
    let welcome = |(_, text): &(String, String)| text.contains("You are all set.");
    evidence.mails.iter().position(welcome).unwrap()
}

fn a_mail_that_is_rather_lost_comes_twice(evidence: &mut Evidence) {
    let mail = evidence.mails[welcome(evidence)].clone();
    evidence.mails.push(mail);
}

fn a_mail_counts_as_sent_and_never_came(evidence: &mut Evidence) {
    let at = welcome(evidence);
    evidence.mails.remove(at);
}

fn a_mail_comes_that_nobody_asked_for(evidence: &mut Evidence) {
    evidence.mails.push(("0.nobody@soak".to_owned(), String::new()));
}

fn a_second_code_differs(evidence: &mut Evidence) {
    let code = |(_, text): &&(String, String)| text.contains("Your code is");
    let (name, text) = evidence.mails.iter().find(code).unwrap().clone();
    evidence.mails.push((name, text.replace("Your code is ", "Your code is 9")));
}

fn a_timer_never_fires(evidence: &mut Evidence) {
    take_last(evidence, |stored| {
        stored.subject.starts_with("event.onboarding.t")
            && tells(stored, "onboarding.onboarding-expired")
    });
}

fn a_timer_fires_early(evidence: &mut Evidence) {
    let expired = |it: &&mut Stored| tells(it, "onboarding.onboarding-expired");
    let stored = evidence.log.iter_mut().find(expired).unwrap();
    let mut early = events(stored);
    early[0]["time"] = json!("2020-01-01T00:00:00Z");
    write(stored, &early);
}

/// A deadline days away, of what came to its end long before.
fn a_timer_fires_that_was_cancelled(evidence: &mut Evidence) {
    let cancelled = |set: &&Due| {
        let Planned::Set { timer: of, .. } = &set.planned else { return false };
        evidence.due.iter().any(|due| {
            matches!(&due.planned, Planned::Cancel { timer } if timer == of)
                && due.key == set.key
                && due.position > set.position
        })
    };
    let set = evidence.due.iter().find(cancelled).unwrap();
    let Planned::Set { order, .. } = &set.planned else { unreachable!() };
    let command = order.command_id.to_string();
    add(evidence, Some(&command));
}

const LIES: [(&str, Lie); 24] = [
    ("acknowledged-once", an_acknowledged_command_is_lost),
    ("acknowledged-once", a_durable_command_has_no_outcome),
    ("answered", a_caller_is_never_answered),
    ("same-answer", two_answers_to_one_command_differ),
    ("commands-once", a_command_is_done_twice),
    ("events-once", an_event_stands_twice),
    ("dense-versions", a_version_is_missing),
    ("orders-once", something_is_done_that_nobody_asked_for),
    ("orders-once", an_order_is_lost),
    ("order-per-key", orders_of_one_key_are_swapped),
    ("no-overtaking", a_parked_key_is_overtaken),
    ("nothing-skipped", an_unreadable_event_is_passed_over),
    ("comes-to-its-end", a_key_stands_still_for_ever),
    ("rows-equal-fold", a_row_is_changed),
    ("rows-equal-fold", a_row_is_missing),
    ("rows-equal-fold", a_row_follows_from_nothing),
    ("rows-verified", the_services_own_verification_finds_a_gap),
    ("mails-as-promised", a_mail_that_is_rather_lost_comes_twice),
    ("mails-as-promised", a_mail_counts_as_sent_and_never_came),
    ("mails-as-promised", a_mail_comes_that_nobody_asked_for),
    ("mails-as-promised", a_second_code_differs),
    ("timers-once", a_timer_never_fires),
    ("timers-once", a_timer_fires_early),
    ("timers-once", a_timer_fires_that_was_cancelled),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_check_sees_each_kind_of_broken_promise_in_doctored_evidence() {
    let plan = |plan: &mut headwater::soak::Plan| {
        (plan.faults, plan.strikes, plan.steps) = (vec![Fault::Poison], 2, 50);
    };
    let evidence = soaked(plan).await.evidence;
    let secret = Secret::new(SECRET);
    verdict(&evidence, &secret).unwrap();
    for (number, (promise, lie)) in LIES.into_iter().enumerate() {
        let mut doctored = evidence.clone();
        lie(&mut doctored);
        let seen = verdict(&doctored, &secret).expect_err(&format!("lie {number}: {promise}"));
        assert_eq!(seen.promise, promise, "lie {number}: {seen}");
    }
}
