//! What delivering a mail does for each thing that a mail server can do.

mod protected;

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    design::examples as designs,
    mail::{Letter, MailEvent, MailRequested},
    person::{Person, PersonEvent, examples as persons},
};
use effects::{DeliverMail, History, HistoryError, Security, Smtp, SmtpOptions};
use kit::{
    Aggregate, AggregateId, CommandId, Delivery, Effect as _, Event, EventId, EventSet as _, Kind,
    Metadata, Outcome, Position, Recorded, Secret, Version,
    scenario::{id, noon},
};
use test_ports::Port;
use tests::{LIMIT, MailFailure, MailSink, MailStep};
use uuid::Uuid;

const FROM: &str = "Headwater <robot@example.org>";

/// Everybody is the person whom the examples tell of, as far as they add a contact, and every request
/// the one that they submit.
struct Everybody;

/// The first example of each of `names`, as it is stored.
fn past<E: Event>(examples: &[E], names: &[&str]) -> Vec<(Kind, Vec<u8>)> {
    let first = |name: &&str| examples.iter().find(|event| event.kind().name == *name).unwrap();
    names.iter().map(first).map(|event| (event.kind(), event.data().unwrap())).collect()
}

impl History for Everybody {
    async fn state<A: Aggregate>(&self, _: &AggregateId) -> Result<A, HistoryError> {
        let past = match A::TYPE {
            "design" => past(&designs::events(), &["request-created", "request-submitted"]),
            _ => past(&persons::events(), &["person-created", "contact-added"]),
        };
        let mut state = A::default();
        for (kind, data) in past {
            state.evolve(&A::Event::read(A::TYPE, kind.name, kind.version, &data).unwrap());
        }
        Ok(state)
    }
}

fn the_contact() -> (kit::PartId, String) {
    let mut person = Person::default();
    for event in persons::events() {
        if matches!(event, PersonEvent::PersonCreated(_) | PersonEvent::ContactAdded(_)) {
            person.evolve(&event);
        }
    }
    let (id, contact) = person.contacts.all.iter().next().unwrap();
    (id.clone(), contact.point.value().to_owned())
}

fn options(port: u16) -> SmtpOptions {
    SmtpOptions {
        host: "localhost".to_owned(),
        port,
        user: None,
        security: Security::None,
        roots: None,
        from: FROM.to_owned(),
        timeout: Duration::from_secs(20),
    }
}

fn sending(options: SmtpOptions) -> DeliverMail<Everybody> {
    DeliverMail::new(Everybody, Smtp::new(options).unwrap(), Secret::new([3; 32]))
}

fn effect(sink: &MailSink) -> DeliverMail<Everybody> {
    sending(options(sink.port()))
}

/// One that gives up soon where the server hangs, and nowhere else.
fn facing(sink: &MailSink, failure: MailFailure) -> DeliverMail<Everybody> {
    sending(facing_options(options(sink.port()), failure))
}

fn facing_options(options: SmtpOptions, failure: MailFailure) -> SmtpOptions {
    match failure {
        MailFailure::Hang => SmtpOptions { timeout: Duration::from_secs(3), ..options },
        _ => options,
    }
}

fn requested(letter: Letter) -> Recorded<MailEvent> {
    Recorded {
        id: EventId::from_str("0199c0de-0000-7000-8000-000000000001").unwrap(),
        aggregate: "mail".to_owned(),
        aggregate_id: "m1".parse().unwrap(),
        version: Version(1),
        position: Position(7),
        index: 0,
        time: kit::scenario::noon(),
        metadata: Metadata {
            command_id: CommandId::from_str("c").unwrap(),
            command_hash: String::new(),
            correlation_id: "c".to_owned(),
            causation_id: None,
            user_id: None,
            session_id: None,
            request_id: None,
            hops: 0,
            traceparent: None,
        },
        event: MailRequested { letter }.into(),
    }
}

fn verification() -> Recorded<MailEvent> {
    verification_until(Utc::now() + TimeDelta::hours(1))
}

fn verification_until(expires_at: DateTime<Utc>) -> Recorded<MailEvent> {
    let (person, contact) = (id("ada"), the_contact().0);
    let challenge = Uuid::from_u128(2).into();
    requested(Letter::VerifyContact { person, contact, challenge, expires_at })
}

fn welcome() -> Recorded<MailEvent> {
    requested(Letter::Welcome { person: id("ada"), contact: the_contact().0 })
}

async fn run<H: History>(effect: &DeliverMail<H>, event: &Recorded<MailEvent>) -> Outcome {
    let key = CommandId::from_str("key").unwrap();
    tokio::time::timeout(LIMIT, effect.run(event, &key)).await.unwrap()
}

/// What is ordered, or why nothing is, in a word.
fn told(outcome: &Outcome) -> String {
    // What it means is said before the colon.
    let why = |reason: &str| reason.split_once(": ").map(|(_, why)| why.to_owned()).unwrap();
    match outcome {
        Outcome::Done(orders) => format!("done: {} {}", orders[0].name, orders[0].body),
        Outcome::Skip { orders, .. } => format!("skip: {} {}", orders[0].name, orders[0].body),
        Outcome::Away { reason } => format!("away: {}", why(reason)),
        Outcome::Unknown { reason } => format!("unknown: {}", why(reason)),
        Outcome::Retry { reason, .. } => format!("retry: {}", why(reason)),
        Outcome::Park { .. } | Outcome::Halt { .. } => format!("{outcome:?}"),
    }
}

#[tokio::test]
async fn a_mail_arrives_with_its_code_and_one_name_for_every_attempt() {
    let sink = MailSink::start().await;
    let (effect, event) = (effect(&sink), verification());
    for _ in 0..2 {
        assert_eq!(told(&run(&effect, &event).await), "done: mark-mail-sent {}");
    }
    let [first, second] = <[_; 2]>::try_from(sink.received()).unwrap();
    assert_eq!(first, second);
    let id = "<0199c0de-0000-7000-8000-000000000001.m1@example.org>";
    assert_eq!(first.header("Message-ID"), Some(id));
    assert_eq!(first.header("From"), Some(FROM));
    assert_eq!((first.from.as_str(), &first.to), ("robot@example.org", &vec![the_contact().1]));
    assert_eq!(first.after("Your code is ").map(str::len), Some(6));
    // The second went over the connection of the first.
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn what_a_failure_means_depends_on_where_it_happens() {
    use MailFailure::{Answer, Cut, Hang};
    use MailStep::{Connect, Data, Hello, Mail, Message, Recipient};
    const FAILED: &str = r#"done: mark-mail-failed {"reason":"provider-refused"}"#;
    let table = [
        (Connect, Answer("421 no"), "away: 421 after connecting"),
        (Connect, Answer("554 no"), "away: 554 after connecting"),
        (Connect, Hang, "away: no answer in time after connecting"),
        (Connect, Cut, "away: the connection was cut after connecting"),
        (Hello, Answer("421 no"), "away: 421 after connecting"),
        (Hello, Answer("502 no"), "away: 502 after connecting"),
        (Hello, Hang, "away: no answer in time after connecting"),
        (Hello, Cut, "away: the connection was cut after connecting"),
        (Mail, Answer("451 no"), "away: 451 after MAIL"),
        (Mail, Answer("550 no"), "away: 550 after MAIL"),
        (Mail, Hang, "away: no answer in time after MAIL"),
        (Mail, Cut, "away: the connection was cut after MAIL"),
        (Recipient, Answer("450 4.7.1 grey"), "retry: 450 after RCPT"),
        (Recipient, Answer("452 4.3.1 full"), "away: 452 after RCPT"),
        (Recipient, Answer("421 no"), "away: 421 after RCPT"),
        (Recipient, Answer("530 who?"), "away: 530 after RCPT"),
        (Recipient, Answer("554 5.7.1 <ada>: Relay access denied"), "away: 554 after RCPT"),
        (Recipient, Answer("550 ada"), r#"done: mark-mail-failed {"reason":"address-rejected"}"#),
        (Recipient, Hang, "away: no answer in time after RCPT"),
        (Recipient, Cut, "away: the connection was cut after RCPT"),
        (Data, Answer("451 no"), "retry: 451 after DATA"),
        (Data, Answer("554 no"), FAILED),
        (Data, Hang, "away: no answer in time after DATA"),
        (Data, Cut, "away: the connection was cut after DATA"),
        (Message, Answer("451 no"), "retry: 451 after the message"),
        (Message, Answer("421 no"), "away: 421 after the message"),
        (Message, Answer("554 no"), FAILED),
        (Message, Answer("554 5.7.1 spam"), FAILED),
        (Message, Hang, "unknown: no answer in time after the message"),
        (Message, Cut, "unknown: the connection was cut after the message"),
    ];
    let sink = MailSink::start().await;
    for (step, failure, expected) in table {
        // Each over a connection of its own.
        let effect = facing(&sink, failure);
        sink.fail(step, failure);
        let outcome = run(&effect, &verification()).await;
        assert_eq!(told(&outcome), expected, "{step:?} {failure:?}");
        let is_kept = !sink.received().is_empty();
        assert_eq!(is_kept, expected.starts_with("unknown"), "{step:?} {failure:?}");
        assert!(!format!("{outcome:?}").contains(&the_contact().1));
        sink.recover();
        assert_eq!(told(&run(&effect, &verification()).await), "done: mark-mail-sent {}");
        sink.forget();
    }
}

#[tokio::test]
async fn a_welcome_of_unknown_outcome_is_not_sent_again() {
    let sink = MailSink::start().await;
    let effect = effect(&sink);
    assert_eq!(effect.delivery(&welcome()), Delivery::AtMostOnce);
    assert_eq!(effect.delivery(&verification()), Delivery::AtLeastOnce);
    for failure in [MailFailure::Cut, MailFailure::Hang] {
        let effect = facing(&sink, failure);
        sink.fail(MailStep::Message, failure);
        assert!(told(&run(&effect, &welcome()).await).starts_with("unknown: "));
        let given_up = effect.interrupted(&welcome()).unwrap();
        assert_eq!(given_up[0].body, r#"{"reason":"unknown-outcome"}"#);
    }
}

#[tokio::test]
async fn whoever_asked_for_a_design_hears_that_it_is_done() {
    let sink = MailSink::start().await;
    let (effect, done) = (effect(&sink), Letter::DesignCompleted { design: id("request-1") });
    let event = requested(done);
    assert_eq!(effect.delivery(&event), Delivery::AtLeastOnce);
    assert_eq!(told(&run(&effect, &event).await), "done: mark-mail-sent {}");
    let mail = sink.received().pop().unwrap();
    assert_eq!(mail.to, ["ada@example.org"]);
    assert!(mail.text.contains("Your design D-7 is done."), "{}", mail.text);
}

#[tokio::test]
async fn what_has_expired_or_has_nobody_to_go_to_is_not_sent() {
    let sink = MailSink::start().await;
    let effect = effect(&sink);
    let expired = verification_until(noon());
    let expected = r#"skip: mark-mail-failed {"reason":"expired"}"#;
    assert_eq!(told(&run(&effect, &expired).await), expected);
    let contact = "another".parse().unwrap();
    let nobody = requested(Letter::Welcome { person: id("ada"), contact });
    let expected = r#"skip: mark-mail-failed {"reason":"contact-gone"}"#;
    assert_eq!(told(&run(&effect, &nobody).await), expected);
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let port = Port::reserve();
    let effect = sending(SmtpOptions { security: Security::StartTls, ..options(port.number()) });
    let outcome = told(&run(&effect, &welcome()).await);
    assert!(outcome.starts_with("away: ") && outcome.contains("refused"), "{outcome}");
}

/// A past that fails in one way.
struct Unread(HistoryError);

impl History for Unread {
    async fn state<A: Aggregate>(&self, _: &AggregateId) -> Result<A, HistoryError> {
        Err(self.0.clone())
    }
}

#[tokio::test]
async fn a_person_who_cannot_be_read_sets_the_mail_aside_and_a_log_that_is_away_does_not() {
    let sink = MailSink::start().await;
    let outcome = async |error| {
        let smtp = Smtp::new(options(sink.port())).unwrap();
        let effect = DeliverMail::new(Unread(error), smtp, Secret::new([3; 32]));
        run(&effect, &verification()).await
    };
    let newer = outcome(HistoryError::Unreadable("a newer event".to_owned())).await;
    let reason = "its reader cannot be read: a newer event".to_owned();
    assert_eq!(newer, Outcome::Park { reason });
    let away = outcome(HistoryError::Away("no answer".to_owned())).await;
    assert!(matches!(away, Outcome::Retry { .. }), "{away:?}");
    assert_eq!(sink.connections(), 0);
}
