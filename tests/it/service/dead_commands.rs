//! Durable commands that cannot be carried out as they are: set aside, shown, and decided upon.

mod bugs;
mod limits;
mod owners;

use async_nats::jetstream;
use infrastructure::{
    deadletter::{Action, Body, Class, DeadLetter, Key},
    doctor::examine,
    durable::{Outcome, OutcomeStatus},
    provision::ProvisionOptions,
    request::CommandRequest,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::CommandId;
use tests::{LIMIT, Letters, eventually};

use super::{CREATE, Stand, TAG, command, options, raw};

const COMMANDS: &str = "commands";

fn key(aggregate: &str, id: &CommandId) -> Key {
    let (aggregate, id) = (aggregate.to_owned(), id.as_str().parse().unwrap());
    Key { handler: COMMANDS.to_owned(), aggregate, id }
}

/// Waits until the command is among the dead letters, after `attempts`.
async fn dead(stand: &Stand, key: &Key, attempts: u32) -> DeadLetter {
    let letters = Letters::open(&stand.connection).await;
    letters.parked(key, |letter| letter.parked.attempts == attempts).await
}

async fn released(stand: &Stand, key: &Key) {
    Letters::open(&stand.connection).await.released(key).await;
}

async fn ask(stand: &Stand, letter: &DeadLetter, action: Action, data: Option<&str>) {
    Letters::open(&stand.connection).await.ask(letter, action, data).await;
}

async fn outcome(stand: &Stand, id: &CommandId, status: OutcomeStatus) -> Outcome {
    eventually("the command ends", LIMIT, async || {
        stand.client.result(id).await.ok().filter(|outcome| outcome.status == status)
    })
    .await
}

async fn kinds(stand: &Stand, key: &Key) -> Vec<String> {
    Letters::open(&stand.connection).await.recorded(key).await
}

/// The same server and callers, with another instance.
async fn restarted(stand: Stand, instance: &str, durable: bool) -> Stand {
    let Stand { runtime, server, connection, client } = stand;
    runtime.drain().await;
    let options = options(&server, instance);
    let roles = Roles { durable, ..options.roles };
    let runtime = Runtime::start(RuntimeOptions { roles, ..options }).await.unwrap();
    Stand { runtime, connection, client, server }
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
    assert_eq!(Letters::open(&stand.connection).await.list(COMMANDS).await, []);
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
