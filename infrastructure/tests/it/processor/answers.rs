//! What a single command is answered.

use chrono::{TimeDelta, Utc};
use infrastructure::{memory::MemoryStore, request::Status};
use kit::{CommandId, HOPS_MAX, Version};

use super::{
    add, code, commits,
    counter::{Add, Counter},
    history, note, request, start, take, total, with_id,
};

#[tokio::test]
async fn a_command_is_committed_and_its_events_are_in_the_log() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let reply = processor.execute(request("a", "climb", r#"{"steps":3}"#)).await.unwrap();
    assert_eq!((reply.status, reply.version), (Status::Committed, Version(3)));
    let history = history(&store, "a").await;
    let told: Vec<_> = reply.events.iter().map(|event| (event.id, event.version)).collect();
    assert_eq!(told, history.iter().map(|event| (event.id, event.version)).collect::<Vec<_>>());
    assert!(reply.events.iter().all(|event| event.kind == "counter.added"));
    assert!(history.iter().all(|event| event.position == reply.position));
    assert!(history.is_sorted_by_key(|event| event.id), "event ids sort as the events do");
}

#[tokio::test]
async fn a_program_can_send_a_command_without_json() {
    let processor = start(MemoryStore::new());
    let reply = processor.send::<Counter>(&"a".parse().unwrap(), Add { by: 2 }).await.unwrap();
    assert_eq!(reply.version, Version(1));
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let first = processor.execute(with_id(add("a", 2), "once")).await.unwrap();
    processor.execute(add("a", 3)).await.unwrap();
    let again = processor.execute(with_id(add("a", 2), "once")).await.unwrap();
    assert_eq!(again.status, Status::Replayed);
    assert_eq!(
        (again.version, again.position, again.events),
        (first.version, first.position, first.events)
    );
    assert_eq!(total(&store, "a").await, 5);
}

#[tokio::test]
async fn a_repeat_reaches_an_engine_that_never_saw_the_first() {
    let store = MemoryStore::new();
    let first = start(store.clone()).execute(with_id(add("a", 2), "once")).await.unwrap();
    let again = start(store.clone()).execute(with_id(add("a", 2), "once")).await.unwrap();
    assert_eq!((again.status, again.events), (Status::Replayed, first.events));
}

#[tokio::test]
async fn an_id_that_stands_for_another_command_is_refused() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    processor.execute(with_id(add("a", 2), "once")).await.unwrap();
    let other_body = processor.execute(with_id(add("a", 3), "once")).await;
    let other_name = processor.execute(with_id(take("a", 2), "once")).await;
    assert_eq!([code(other_body), code(other_name)], ["id-reused", "id-reused"]);
    assert_eq!(commits(&store), 1);
}

#[tokio::test]
async fn the_first_decision_of_a_derived_id_stands() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let id = CommandId::derived("welcome", uuid::Uuid::from_u128(9), 0);
    processor.execute(with_id(add("a", 2), id.as_str())).await.unwrap();
    let again = processor.execute(with_id(add("a", 3), id.as_str())).await.unwrap();
    assert_eq!((again.status, total(&store, "a").await), (Status::Replayed, 2));
}

#[tokio::test]
async fn what_is_already_so_is_unchanged_at_the_last_position() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let first = processor.execute(add("a", 2)).await.unwrap();
    let reply = processor.execute(with_id(add("a", 0), "nothing")).await.unwrap();
    assert_eq!((reply.status, reply.version), (Status::Unchanged, Version(1)));
    assert_eq!((reply.position, reply.events), (first.position, vec![]));
    assert_eq!(commits(&store), 1);
}

#[tokio::test]
async fn a_refusal_leaves_no_trace_and_a_repeat_is_decided_anew() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let refused = processor.execute(with_id(take("a", 2), "later")).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (422, "too-few"));
    processor.execute(add("a", 2)).await.unwrap();
    assert_eq!(code(processor.execute(with_id(take("a", 2), "later")).await), "Committed");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_its_code_and_nothing_is_appended() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let mut elsewhere = add("a", 1);
    elsewhere.aggregate = "kettle".to_owned();
    let mut looping = add("a", 1);
    looping.hops = HOPS_MAX + 1;
    let cases = [
        (elsewhere, 404, "unknown-aggregate"),
        (request("a", "explode", "{}"), 404, "unknown-command"),
        (request("a", "add", "{"), 400, "invalid"),
        (request("a", "add", r#"{"by":1,"colour":2}"#), 400, "invalid"),
        (request("a", "add", r#"{"by":"one"}"#), 400, "invalid"),
        (note("a", 300_000), 413, "too-large"),
        (looping, 422, "too-many-hops"),
    ];
    for (request, status, code) in cases {
        let problem = processor.execute(request).await.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{problem}");
    }
    assert_eq!((commits(&store), processor.waiting()), (0, 0));
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
}

#[tokio::test]
async fn a_command_for_another_version_is_refused() {
    let processor = start(MemoryStore::new());
    processor.execute(add("a", 1)).await.unwrap();
    let at = |version| {
        let mut request = add("a", 1);
        request.expected_version = Some(Version(version));
        request
    };
    assert_eq!(code(processor.execute(at(0)).await), "wrong-version");
    assert_eq!(code(processor.execute(at(1)).await), "Committed");
}

#[tokio::test]
async fn a_command_whose_deadline_has_passed_is_not_decided() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let mut late = add("a", 1);
    late.deadline = Some(Utc::now() - TimeDelta::milliseconds(1));
    assert_eq!(code(processor.execute(late).await), "deadline");
    assert_eq!(commits(&store), 0);
}

#[tokio::test]
async fn events_carry_who_asked_and_why() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let mut asked = with_id(add("a", 1), "asked");
    asked.correlation_id = Some("talk".to_owned());
    asked.causation_id = Some("event-7".to_owned());
    asked.user_id = Some("user-1".to_owned());
    asked.session_id = Some("session-1".to_owned());
    asked.request_id = Some("request-1".to_owned());
    asked.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    asked.hops = 3;
    processor.execute(asked.clone()).await.unwrap();
    processor.execute(add("a", 1)).await.unwrap();

    let events = history(&store, "a").await;
    let metadata = events[0].metadata.clone();
    assert_eq!(metadata.command_id, asked.command_id.unwrap());
    assert_eq!(metadata.correlation_id, "talk");
    assert_eq!(
        [metadata.causation_id, metadata.user_id, metadata.session_id, metadata.request_id],
        [asked.causation_id, asked.user_id, asked.session_id, asked.request_id]
    );
    assert_eq!((metadata.hops, metadata.traceparent), (3, asked.traceparent));
    assert_eq!(metadata.command_hash.len(), 64);

    let own = &events[1].metadata;
    assert!(own.command_id.made_at().is_some(), "a command without an id gets a UUIDv7");
    assert_eq!(own.correlation_id, own.command_id.as_str(), "and begins a conversation");
    assert_eq!(own.causation_id, None);
}

#[tokio::test]
async fn a_panic_in_the_rules_is_the_problem_of_one_command() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let (before, broken, after) = tokio::join!(
        processor.execute(add("a", 1)),
        processor.execute(request("a", "break", "{}")),
        processor.execute(add("a", 1)),
    );
    assert_eq!([code(before), code(broken), code(after)], ["Committed", "internal", "Committed"]);
    assert_eq!(total(&store, "a").await, 2);
}
