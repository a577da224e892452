//! What delivering a mail does for each thing that a mail server can do.

mod protected;

use std::{str::FromStr, time::Duration};

use chrono::{TimeDelta, Utc};
use domain::{
    mail::{Letter, MailEvent, MailRequested, examples},
    person::{Person, PersonEvent, examples as persons},
};
use effects::{DeliverMail, History, HistoryError, Security, Smtp, SmtpOptions};
use kit::{
    Aggregate, AggregateId, CommandId, Delivery, Effect as _, EventId, Metadata, Outcome, Position,
    Recorded, Secret, Version,
};
use tests::{LIMIT, MailFailure, MailSink, MailStep};

const FROM: &str = "Headwater <robot@example.org>";

/// Everybody is the person whom the examples tell of, as far as they add a contact.
struct Everybody;

impl History for Everybody {
    async fn state<A: Aggregate>(&self, _: &AggregateId) -> Result<A, HistoryError> {
        let mut state = A::default();
        let told = [
            persons::events().into_iter().find(|e| matches!(e, PersonEvent::PersonCreated(_))),
            persons::events().into_iter().find(|e| matches!(e, PersonEvent::ContactAdded(_))),
        ];
        for event in told.into_iter().flatten() {
            let data = kit::Event::data(&event).unwrap();
            let kind = kit::Event::kind(&event);
            let event = <A::Event as kit::EventSet>::read("person", kind.name, kind.version, &data);
            state.evolve(&event.unwrap());
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
    sending(SmtpOptions { timeout: Duration::from_millis(300), ..options(sink.port()) })
}

fn requested(letter: Letter) -> Recorded<MailEvent> {
    let contact = the_contact().0;
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
        event: MailRequested { letter: Letter { contact, ..letter } }.into(),
    }
}

fn verification() -> Recorded<MailEvent> {
    let expires_at = Some(Utc::now() + TimeDelta::hours(1));
    requested(Letter { expires_at, ..examples::verification() })
}

fn welcome() -> Recorded<MailEvent> {
    requested(examples::welcome())
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
        let effect = effect(&sink);
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
        sink.fail(MailStep::Message, failure);
        assert!(told(&run(&effect, &welcome()).await).starts_with("unknown: "));
        let given_up = effect.interrupted(&welcome()).unwrap();
        assert_eq!(given_up[0].body, r#"{"reason":"unknown-outcome"}"#);
    }
}

#[tokio::test]
async fn what_has_expired_or_has_nobody_to_go_to_is_not_sent() {
    let sink = MailSink::start().await;
    let effect = effect(&sink);
    let expired = requested(examples::verification());
    let expected = r#"skip: mark-mail-failed {"reason":"expired"}"#;
    assert_eq!(told(&run(&effect, &expired).await), expected);
    let mut nobody = welcome();
    if let MailEvent::MailRequested(requested) = &mut nobody.event {
        requested.letter.contact = "another".parse().unwrap();
    }
    let expected = r#"skip: mark-mail-failed {"reason":"contact-gone"}"#;
    assert_eq!(told(&run(&effect, &nobody).await), expected);
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let port = MailSink::start().await.port();
    let effect = sending(SmtpOptions { security: Security::StartTls, ..options(port) });
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
    let reason = "the person cannot be read: a newer event".to_owned();
    assert_eq!(newer, Outcome::Park { reason });
    let away = outcome(HistoryError::Away("no answer".to_owned())).await;
    assert!(matches!(away, Outcome::Retry { .. }), "{away:?}");
    assert_eq!(sink.connections(), 0);
}
