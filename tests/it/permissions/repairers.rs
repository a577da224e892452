//! Those who decide about dead letters, and have handlers go back.

use async_nats::jetstream;
use infrastructure::{
    deadletter::{Action, DeadLetters, DeadLettersError, Requested},
    handler::standpoint,
};
use kit::Position;
use nats::names;
use serde_json::json;

use super::{guarded, role::Role};

#[tokio::test]
async fn a_repairer_asks_about_dead_letters_and_writes_nothing_else() {
    let (server, service) = guarded().await;
    let mut repairer = Role::connect(server.url(), "repairer").await;
    let others = [
        "dlq.welcome",
        "event.person.a",
        "command.person.a.tag",
        "enqueue.person.a.tag",
        "timer.set.person.a.x",
        "$KV.CHECKPOINTS.welcome",
        "$JS.API.STREAM.PURGE.DLQ",
        "$JS.API.STREAM.MSG.DELETE.DLQ",
        "$JS.API.STREAM.UPDATE.DLQ",
        "$JS.API.CONSUMER.CREATE.COMMANDS.thief",
    ];
    assert_eq!(repairer.refused_publishes(&others).await, others);

    let parked = json!({
        "kind": "parked", "event": {"position": 1, "index": 0}, "class": "bug", "errors": ["x"],
        "attempts": 1, "recent": [], "first": "2026-11-21T10:00:00Z", "last": "2026-11-21T10:00:00Z",
        "original": {"subject": "event.person.a", "body": {"text": "[]"}}, "epoch": 1,
    });
    let subject = "dlq.welcome.person.a";
    let owner = jetstream::new(service.client);
    owner.publish(subject, parked.to_string().into()).await.unwrap().await.unwrap();
    let letters = DeadLetters::open(&repairer.client).await.unwrap();
    let letter = letters.list(None).await.unwrap().remove(0);
    let request = Requested {
        request: uuid::Uuid::now_v7(),
        action: Action::Retry,
        event: letter.parked.event.clone(),
        data: None,
        schema_version: None,
        who: "a test".to_owned(),
        why: "it must".to_owned(),
        selection: None,
        time: chrono::Utc::now(),
    };
    assert_eq!(letters.waiting(&letter).await, Ok(0));
    letters.request(&letter.key, letter.last, request.clone()).await.unwrap();
    assert_eq!(letters.history(&letter.key).await.unwrap().len(), 2);

    let registered = json!({"name": "welcome", "kind": "policy", "since": 0, "version": null});
    let registry = owner.get_key_value(names::HANDLERS).await.unwrap();
    registry.put("welcome", registered.to_string().into()).await.unwrap();
    let checkpoints = owner.get_key_value(names::CHECKPOINTS).await.unwrap();
    checkpoints.put("welcome", r#"{"position":9,"epoch":1}"#.into()).await.unwrap();
    let stands = standpoint(&repairer.client, "welcome").await.unwrap();
    let reset = stands.ask(&repairer.client, Position(2), ("a test", "it must"), None).await;
    assert_eq!(reset.unwrap().checkpoint, Position(9));

    let operator = Role::connect(server.url(), "operator").await;
    let stands = standpoint(&operator.client, "welcome").await.unwrap();
    let other = stands.pending.as_ref().map(|pending| pending.request);
    let refused = stands.ask(&operator.client, Position(2), ("a test", "it must"), other).await;
    assert_eq!(refused.unwrap_err().code, "unavailable", "an operator only reads");
    let letters = DeadLetters::open(&operator.client).await.unwrap();
    let letter = letters.list(None).await.unwrap().remove(0);
    let refused = letters.request(&letter.key, letter.last, request).await;
    assert!(matches!(refused, Err(DeadLettersError::Away(_))), "an operator only reads");
}
