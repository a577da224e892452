//! Durable commands that cannot be carried out as they are: set aside, shown, and decided upon.

use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::jetstream;
use domain::person::Person;
use infrastructure::{
    client::Client,
    composition::Composition,
    deadletter::{
        Action, Body, Class, DeadLetter, DeadLetters, Json, Key, Parked, Record, Requested,
    },
    doctor::examine,
    durable::{Outcome, OutcomeStatus},
    provision::ProvisionOptions,
    request::CommandRequest,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::{Aggregate, CommandId, Context, DomainError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tests::{LIMIT, Server, eventually};

use super::{CREATE, Stand, TAG, command, options, raw};

const COMMANDS: &str = "commands";

fn key(aggregate: &str, id: &CommandId) -> Key {
    let (aggregate, id) = (aggregate.to_owned(), id.as_str().parse().unwrap());
    Key { handler: COMMANDS.to_owned(), aggregate, id }
}

async fn letters(stand: &Stand) -> DeadLetters {
    DeadLetters::open(&stand.connection).await.unwrap()
}

/// Waits until the command is among the dead letters, after `attempts`.
async fn dead(stand: &Stand, key: &Key, attempts: u32) -> DeadLetter {
    let letters = letters(stand).await;
    eventually("it is set aside", LIMIT, async || {
        letters.get(key).await.unwrap().filter(|letter| letter.parked.attempts == attempts)
    })
    .await
}

async fn released(stand: &Stand, key: &Key) {
    let letters = letters(stand).await;
    eventually("it is released", LIMIT, async || {
        letters.get(key).await.unwrap().is_none().then_some(())
    })
    .await;
}

async fn ask(stand: &Stand, letter: &DeadLetter, action: Action, data: Option<&str>) {
    let data = data.map(|data| Json(RawValue::from_string(data.to_owned()).unwrap()));
    let request = Requested {
        request: uuid::Uuid::now_v7(),
        action,
        event: letter.parked.event.clone(),
        data,
        schema_version: None,
        who: "a test".to_owned(),
        why: "it must".to_owned(),
        selection: None,
        time: chrono::Utc::now(),
    };
    letters(stand).await.request(&letter.key, letter.last, request).await.unwrap();
}

async fn outcome(stand: &Stand, id: &CommandId, status: OutcomeStatus) -> Outcome {
    eventually("the command ends", LIMIT, async || {
        stand.client.result(id).await.ok().filter(|outcome| outcome.status == status)
    })
    .await
}

async fn kinds(stand: &Stand, key: &Key) -> Vec<&'static str> {
    let history = letters(stand).await.history(key).await.unwrap();
    let kind = |record| match record {
        Record::Parked(_) => "parked",
        Record::Requested(_) => "requested",
        Record::Discarded(_) => "discarded",
        Record::Overridden(_) => "overridden",
        Record::Released(_) => "released",
        _ => "other",
    };
    history.into_iter().map(|entry| kind(entry.record.unwrap())).collect()
}

#[tokio::test]
async fn a_command_that_nobody_knows_is_set_aside_whole_and_nothing_waits_behind_it() {
    let stand = Stand::start().await;
    let unknown = command("ada", "teleport", TAG);
    let unknown = CommandRequest { user_id: Some("grace".to_owned()), ..unknown };
    let id = stand.client.enqueue(&unknown).await.unwrap();
    let created = stand.client.enqueue(&command("ada", "create-person", CREATE)).await.unwrap();
    outcome(&stand, &created, OutcomeStatus::Committed).await;
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    assert_eq!(letter.parked.class, Class::Refused);
    assert_eq!(letter.parked.event.kind.as_deref(), Some("person.teleport"));
    assert!(letter.parked.errors[0].starts_with("unknown-command"), "{letter:?}");
    let original = &letter.parked.original;
    assert_eq!(original.subject, "enqueue.person.ada.teleport");
    assert_eq!(original.body, Body::Text(std::str::from_utf8(TAG).unwrap().to_owned()));
    assert_eq!(original.headers["User-Id"], ["grace"]);
    let refused = outcome(&stand, &id, OutcomeStatus::Refused).await;
    assert_eq!(refused.problem.unwrap().code, "unknown-command");

    eventually("doctor says so", LIMIT, async || {
        let report = examine(&stand.connection, &ProvisionOptions::default()).await.unwrap();
        let told = |warning: &String| {
            warning.starts_with("duty commands has 1 keys among the dead letters")
        };
        report.warnings.iter().any(told).then_some(())
    })
    .await;
    ask(&stand, &letter, Action::Retry, None).await;
    let letter = dead(&stand, &key, 2).await;
    ask(&stand, &letter, Action::Discard, None).await;
    released(&stand, &key).await;
    let expected = ["parked", "requested", "parked", "requested", "discarded", "released"];
    assert_eq!(kinds(&stand, &key).await, expected);
    outcome(&stand, &id, OutcomeStatus::Refused).await;
    assert_eq!(stand.commits().await, 1);
}

#[tokio::test]
async fn a_body_that_is_put_right_is_carried_out_under_the_same_id() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let id = stand.client.enqueue(&command("ada", "tag", r#"{"tagg":"vip"}"#)).await.unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    // What the domain says to a second attempt is shown to whoever asked for it.
    ask(&stand, &letter, Action::Override, Some(r#"{"tag":""}"#)).await;
    let letter = dead(&stand, &key, 2).await;
    ask(&stand, &letter, Action::Override, Some(r#"{"tag":"vip"}"#)).await;
    released(&stand, &key).await;
    let done = outcome(&stand, &id, OutcomeStatus::Committed).await;
    assert_eq!((done.command_id, done.reply.unwrap().version.0), (id, 2));
    let expected =
        ["parked", "requested", "overridden", "parked", "requested", "overridden", "released"];
    assert_eq!(kinds(&stand, &key).await, expected);
}

#[tokio::test]
async fn what_the_domain_refuses_is_an_answer_and_no_dead_letter() {
    let stand = Stand::start().await;
    let refused = stand.client.enqueue(&command("ada", "tag", TAG)).await.unwrap();
    let request = command("bob", "create-person", CREATE);
    let late = CommandRequest { expected_version: Some(kit::Version(7)), ..request };
    let late = stand.client.enqueue(&late).await.unwrap();
    outcome(&stand, &refused, OutcomeStatus::Refused).await;
    outcome(&stand, &late, OutcomeStatus::Refused).await;
    assert_eq!(letters(&stand).await.list(Some(COMMANDS)).await, Ok(Vec::new()));
}

#[tokio::test]
async fn an_id_that_stands_for_another_command_is_set_aside() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let first = command("ada", "tag", TAG).identified();
    stand.client.send(&first).await.unwrap();
    let other = command("ada", "tag", r#"{"tag":"other"}"#);
    let other = CommandRequest { command_id: first.command_id.clone(), ..other };
    let id = stand.client.enqueue(&other).await.unwrap();
    let letter = dead(&stand, &key("person", &id), 1).await;
    assert!(letter.parked.errors[0].starts_with("id-reused"), "{letter:?}");
}

#[tokio::test]
async fn a_message_with_headers_that_cannot_be_read_keeps_all_its_bytes() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    raw::send(&stand, "enqueue.person.ada.tag", b"User-Id: \xff\xfe").await;
    let id: CommandId = "COMMANDS-1".parse().unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    let original = &letter.parked.original;
    assert_eq!(original.body, Body::Text(std::str::from_utf8(TAG).unwrap().to_owned()));
    // "NATS/1.0\r\nUser-Id: " and the two bytes.
    let raw = original.raw_headers.as_deref().unwrap();
    assert!(raw.starts_with("TkFUUy8xLjANClVzZXItSWQ6IP/+"), "{raw}");
    ask(&stand, &letter, Action::Retry, None).await;
    dead(&stand, &key, 2).await;
    eventually("it has left the queue", LIMIT, async || {
        (stand.messages("COMMANDS").await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_message_on_no_subject_of_a_command_is_set_aside_too() {
    let stand = Stand::start().await;
    let context = jetstream::new(stand.connection.clone());
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", "bad-1");
    let stored =
        context.publish_with_headers("enqueue.person.ada.lovelace.tag", headers, "".into());
    stored.await.unwrap().await.unwrap();
    let letter = dead(&stand, &key("unknown", &"bad-1".parse().unwrap()), 1).await;
    assert_eq!(letter.parked.event.kind, None);
    assert_eq!(letter.parked.original.subject, "enqueue.person.ada.lovelace.tag");
}

/// What an owner leaves behind that was killed after it had set a command aside, and whose successor
/// runs code that knows the command.
#[tokio::test]
async fn a_command_that_succeeds_after_all_is_no_dead_letter_any_more() {
    let stand = Stand::start().await;
    let id = stand.client.enqueue(&command("ada", "teleport", CREATE)).await.unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    let Stand { runtime, server, connection, client } = stand;
    runtime.drain().await;
    let mut parked = letter.parked.clone();
    let request = command("ada", "create-person", CREATE).identified();
    let queued = client.enqueue(&request).await.unwrap();
    let other = Key { id: queued.as_str().parse().unwrap(), ..key };
    parked.event.at.position = kit::Position(2);
    parked.event.kind = Some("person.create-person".to_owned());
    let record = Record::Parked(Box::new(parked)).encode().unwrap();
    let context = jetstream::new(connection.clone());
    context.publish(other.subject(), record).await.unwrap().await.unwrap();
    let runtime = Runtime::start(options(&server, "two")).await.unwrap();
    let stand = Stand { runtime, server, connection, client };
    outcome(&stand, &queued, OutcomeStatus::Committed).await;
    released(&stand, &other).await;
}

#[tokio::test]
async fn a_command_that_a_former_owner_set_aside_too_late_stays_so() {
    let stand = Stand::start().await;
    let id = stand.client.enqueue(&command("ada", "teleport", TAG)).await.unwrap();
    let letter = dead(&stand, &key("person", &id), 1).await;
    // The former owner may have kept the outcome too: then the command does not come again.
    let late = key("person", &"c-late".parse().unwrap());
    let parked = Parked { epoch: 0, ..letter.parked };
    let record = Record::Parked(Box::new(parked)).encode().unwrap();
    let context = jetstream::new(stand.connection.clone());
    context.publish(late.subject(), record).await.unwrap().await.unwrap();
    dead(&stand, &late, 1).await;
    assert_eq!(kinds(&stand, &late).await, ["parked", "parked"]);
}

#[tokio::test]
async fn what_was_asked_while_nobody_worked_is_done_by_whoever_comes() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let id = stand.client.enqueue(&command("ada", "tag", r#"{"tagg":1}"#)).await.unwrap();
    let key = key("person", &id);
    let letter = dead(&stand, &key, 1).await;
    let Stand { runtime, server, connection, client } = stand;
    runtime.drain().await;
    let runtime = Runtime::start(RuntimeOptions {
        roles: Roles { durable: false, ..options(&server, "two").roles },
        ..options(&server, "two")
    });
    let stand = Stand { runtime: runtime.await.unwrap(), server, connection, client };
    ask(&stand, &letter, Action::Override, Some(r#"{"tag":"vip"}"#)).await;
    let Stand { runtime, server, connection, client } = stand;
    runtime.drain().await;
    let runtime = Runtime::start(options(&server, "three")).await.unwrap();
    let stand = Stand { runtime, server, connection, client };
    released(&stand, &key).await;
    outcome(&stand, &id, OutcomeStatus::Committed).await;
}

/// A machine that breaks until somebody has mended it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Press {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Print {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Printed {}

mod words {
    use super::{Print, Printed};

    kit::commands! {
        /// What may be asked of a press.
        pub enum PressCommand { "print" => Print }
    }
    kit::events! {
        /// What happens to a press.
        pub enum PressEvent for "press" { "printed" => Printed: 1 }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("never")]
struct Never;

impl DomainError for Never {
    fn code(&self) -> &'static str {
        "never"
    }
}

static MENDED: AtomicBool = AtomicBool::new(false);

impl Aggregate for Press {
    const TYPE: &'static str = "press";
    const STATE_SCHEMA: u32 = 1;
    type Command = words::PressCommand;
    type Event = words::PressEvent;
    type Error = Never;

    fn decide(&self, _: &Self::Command, _: &Context) -> Result<Vec<Self::Event>, Never> {
        assert!(MENDED.load(Ordering::Relaxed), "it is broken");
        Ok(vec![Printed {}.into()])
    }

    fn evolve(&mut self, _: &Self::Event) {}
}

#[tokio::test]
async fn a_bug_is_tried_again_a_few_times_and_once_it_is_mended_the_command_is_carried_out() {
    let server = Server::start().await;
    let composition = Composition::new().aggregate::<Person>().aggregate::<Press>();
    let options = RuntimeOptions { composition, ..options(&server, "one") };
    let runtime = Runtime::start(options).await.unwrap();
    let connection = server.client().await;
    let stand = Stand { runtime, client: Client::new(connection.clone()), connection, server };
    let print = CommandRequest::new("press", "a".parse().unwrap(), "print", "{}");
    let id = stand.client.enqueue(&print).await.unwrap();
    let letter = dead(&stand, &key("press", &id), 3).await;
    assert_eq!((letter.parked.class, letter.parked.recent.len()), (Class::Bug, 3));
    MENDED.store(true, Ordering::Relaxed);
    ask(&stand, &letter, Action::Retry, None).await;
    released(&stand, &letter.key).await;
    outcome(&stand, &id, OutcomeStatus::Committed).await;
}
