//! Appends that fail, are lost, or leave nobody knowing; histories that cannot be read.

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use infrastructure::{
    envelope::{self, NewEvent},
    memory::{Fault, MemoryStore},
    problem::Problem,
    processor::ProcessorOptions,
    store::{AppendError, Store},
};
use kit::{Event, Kind, Position, Version};

use super::{
    add, code, commits,
    counter::{Added, CounterEvent},
    faulty::Faulty,
    foreign, key, metadata, options, start, start_with, submit, total, with_id,
};

#[tokio::test]
async fn a_command_whose_acknowledgement_is_lost_is_committed_once() {
    for fault in [Fault::AckLost, Fault::RequestLost] {
        let store = MemoryStore::new();
        store.fault(fault);
        let processor = start(store.clone());
        let answers = [add("a", 1), add("a", 2)].map(|request| submit(&processor, request));
        for answer in answers {
            assert_eq!(code(answer.await.unwrap()), "Committed");
        }
        assert_eq!((commits(&store), total(&store, "a").await), (1, 3));
    }
}

#[tokio::test]
async fn an_unknown_outcome_that_another_writer_settles_is_decided_again() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let position = processor.execute(add("a", 1)).await.unwrap().position;
    let other = foreign("a", "other", 2, &[Added { by: 5 }.into()]);
    store.append(&key("a"), position, other).await.unwrap();
    store.fault(Fault::RequestLost);
    let answer = submit(&processor, add("a", 2));
    assert_eq!(answer.await.unwrap().unwrap().version, Version(3));
    assert_eq!(total(&store, "a").await, 8);
}

#[tokio::test]
async fn an_outcome_that_nobody_knows_in_time_is_said_to_be_unknown_and_a_repeat_settles_it() {
    let store = MemoryStore::new();
    let options = ProcessorOptions { settle_timeout: Duration::from_millis(50), ..options() };
    let processor = start_with(store.clone(), options);
    processor.execute(add("a", 1)).await.unwrap();
    store.fault(Fault::UnderWay);
    store.away(usize::MAX);
    let request = with_id(add("a", 2), "two");
    let problem = processor.execute(request.clone()).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (504, "outcome-unknown"));

    store.away(0);
    store.land();
    assert_eq!(code(processor.execute(request).await), "Replayed");
    assert_eq!(total(&store, "a").await, 3);
}

#[tokio::test]
async fn an_append_that_lands_after_all_does_not_make_a_repeat_count_twice() {
    let store = MemoryStore::new();
    let options = ProcessorOptions { settle_timeout: Duration::from_millis(50), ..options() };
    let processor = start_with(store.clone(), options);
    store.fault(Fault::UnderWay);
    store.away(2);
    let request = with_id(add("a", 2), "two");
    // The load and the first round of settling fail; then the same bytes are appended again.
    assert_eq!(code(processor.execute(request.clone()).await), "unavailable");
    assert_eq!(code(processor.execute(request.clone()).await), "unavailable");
    assert_eq!(code(processor.execute(request.clone()).await), "Committed");
    store.land();
    assert_eq!((commits(&store), total(&store, "a").await), (1, 2));
}

#[tokio::test]
async fn what_the_store_refuses_is_unavailable_and_not_in_the_log() {
    let store = Faulty::default();
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    store.then([Some(AppendError::Refused("the disk is full".to_owned()))]);
    let problem = processor.execute(add("a", 1)).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (503, "unavailable"));
    assert!(problem.detail.contains("nothing was appended"), "{problem}");
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
    assert_eq!(total(&store, "a").await, 2);
}

#[tokio::test]
async fn a_store_that_takes_less_gets_smaller_batches() {
    let store = Faulty::default();
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    store.then([Some(AppendError::TooLarge { bytes: 4_000, limit: 700 })]);
    let answers = [add("a", 1), add("a", 1)].map(|request| submit(&processor, request));
    for answer in answers {
        assert_eq!(code(answer.await.unwrap()), "Committed");
    }
    assert_eq!(commits(&store.log()), 3);
    store.then([Some(AppendError::TooLarge { bytes: 600, limit: 500 })]);
    assert_eq!(code(processor.execute(add("a", 1)).await), "too-large");
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let store = MemoryStore::new();
    store.away(1);
    let processor = start(store.clone());
    assert_eq!(code(processor.execute(add("a", 1)).await), "unavailable");
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
}

async fn corrupt(body: Bytes) -> Problem {
    let store = MemoryStore::new();
    store
        .append(&key("b"), Position::ZERO, foreign("b", "fine", 1, &[Added { by: 1 }.into()]))
        .await
        .unwrap();
    store.append(&key("a"), Position::ZERO, body).await.unwrap();
    let processor = start(store.clone());
    let problem = processor.execute(add("a", 1)).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (500, "corrupt"), "{problem}");
    assert!(problem.detail.contains("event.counter.a at position 2"), "{problem}");
    assert_eq!(commits(&store), 2, "nothing was appended");
    assert_eq!(code(processor.execute(add("b", 1)).await), "Committed", "the others go on");
    problem
}

#[tokio::test]
async fn a_message_that_is_not_ours_is_named_with_its_position() {
    corrupt(Bytes::from_static(b"hello")).await;
    corrupt(Bytes::from_static(b"[]")).await;
    corrupt(Bytes::from_static(b"\xff\xfe{\"")).await;
}

#[tokio::test]
async fn an_event_of_another_aggregate_is_named_with_its_position() {
    corrupt(foreign("z", "stray", 1, &[Added { by: 1 }.into()])).await;
}

#[tokio::test]
async fn a_gap_in_the_versions_is_named_with_its_position() {
    let problem = corrupt(foreign("a", "late", 2, &[Added { by: 1 }.into()])).await;
    assert!(problem.detail.contains("version 2 stands where 1 must"), "{problem}");
}

fn written_as(kind: Kind) -> Bytes {
    let event: CounterEvent = Added { by: 1 }.into();
    let metadata = metadata("newer");
    let event = NewEvent {
        id: uuid::Uuid::now_v7(),
        kind,
        version: Version(1),
        time: Utc::now(),
        data: event.data().unwrap(),
    };
    envelope::encode(&key("a"), [(&event, &metadata)]).unwrap()
}

#[tokio::test]
async fn an_event_that_newer_code_wrote_is_named_with_its_position() {
    let problem = corrupt(written_as(Kind { name: "added", version: 9 })).await;
    assert!(problem.detail.contains("newer"), "{problem}");
    corrupt(written_as(Kind { name: "vanished", version: 1 })).await;
}
