//! Commands that are older than the receipts.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use infrastructure::{
    envelope::{self, NewEvent},
    memory::MemoryStore,
    processor::{Processor, ProcessorOptions},
    request::{CommandRequest, Status},
    store::Store,
};
use kit::{CommandId, Event, Position, Version};

use super::{
    add, code, commits,
    counter::{Added, CounterEvent},
    faulty::Faulty,
    key, metadata, options, start, start_with, submit, total, with_id,
};

fn v7(made: DateTime<Utc>) -> String {
    let millis = u64::try_from(made.timestamp_millis()).unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &[3; 10]).into_uuid().to_string()
}

/// Executes `requests` with many waiting at a time.
async fn pass(processor: &Processor, requests: impl Iterator<Item = CommandRequest>) {
    let requests: Vec<_> = requests.collect();
    for some in requests.chunks(1_000) {
        let answers: Vec<_> =
            some.iter().map(|request| submit(processor, request.clone())).collect();
        for answer in answers {
            assert_eq!(answer.await.unwrap().unwrap().status, Status::Committed);
        }
    }
}

#[tokio::test]
async fn the_first_of_70_000_commands_is_still_replayed() {
    let store = MemoryStore::new();
    let processor = start(store.clone());
    let ids = [
        uuid::Uuid::now_v7().to_string(),
        "import-1".to_owned(),
        CommandId::derived("welcome", uuid::Uuid::from_u128(1), 0).to_string(),
    ];
    let mut firsts = Vec::new();
    for id in &ids {
        firsts.push(processor.execute(with_id(add("a", 1), id)).await.unwrap());
    }
    pass(&processor, (0..70_000).map(|_| add("a", 1))).await;
    for processor in [processor, start(store.clone())] {
        for (id, first) in ids.iter().zip(&firsts) {
            let again = processor.execute(with_id(add("a", 1), id)).await.unwrap();
            assert_eq!(again.status, Status::Replayed);
            assert_eq!((again.position, &again.events), (first.position, &first.events));
        }
    }
    assert_eq!(total(&store, "a").await, 70_003);
}

/// A store whose one aggregate got one command in each of the last `minutes`.
async fn old(minutes: i64, first: &str) -> Faulty {
    let store = Faulty::default();
    let mut position = Position::ZERO;
    for minute in 0..minutes {
        let metadata =
            metadata(&if minute == 0 { first.to_owned() } else { format!("at-{minute}") });
        let event: CounterEvent = Added { by: 1 }.into();
        let event = NewEvent {
            id: uuid::Uuid::now_v7(),
            kind: event.kind(),
            version: Version(minute.unsigned_abs() + 1),
            time: Utc::now() - TimeDelta::minutes(minutes - minute),
            data: event.data().unwrap(),
        };
        let body: Bytes = envelope::encode(&key("a"), [(&event, &metadata)]).unwrap();
        position = store.append(&key("a"), position, body).await.unwrap();
    }
    store
}

#[tokio::test]
async fn an_old_id_is_searched_for_and_a_young_one_is_not() {
    let first = v7(Utc::now() - TimeDelta::minutes(1_000));
    let store = old(1_000, &first).await;
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    let reads = store.reads();
    let young = with_id(add("a", 1), &v7(Utc::now()));
    assert_eq!(code(processor.execute(young).await), "Committed");
    assert_eq!(store.reads(), reads, "an id that was just made cannot be an old command's");

    // The hash of the stored command is another one, and so the id is known.
    assert_eq!(code(processor.execute(with_id(add("a", 1), &first)).await), "id-reused");
    let never = v7(Utc::now() - TimeDelta::minutes(900));
    assert_eq!(code(processor.execute(with_id(add("a", 1), &never)).await), "Committed");
    assert!(store.reads() > reads);
}

#[tokio::test]
async fn a_derived_id_is_searched_for_only_behind_its_cause() {
    let id = CommandId::derived("welcome", uuid::Uuid::from_u128(1), 0);
    let store = old(1_000, id.as_str()).await;
    let processor = start(store.clone());
    let last = processor.execute(add("a", 1)).await.unwrap().position;
    let caused = |id: &CommandId, position| {
        let mut request = with_id(add("a", 1), id.as_str());
        request.causation_position = Some(position);
        request
    };
    let reads = store.reads();
    let fresh = CommandId::derived("welcome", uuid::Uuid::from_u128(2), 0);
    assert_eq!(code(processor.execute(caused(&fresh, last)).await), "Committed");
    assert_eq!(store.reads(), reads);
    assert_eq!(code(processor.execute(caused(&id, Position::ZERO)).await), "Replayed");
    assert!(store.reads() > reads);
}

#[tokio::test]
async fn one_search_serves_all_that_wait() {
    let store = old(1_000, "first").await;
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    let lasts = store.lasts();
    let answers: Vec<_> = (0..100)
        .map(|number| submit(&processor, with_id(add("a", 1), &format!("import-{number}"))))
        .collect();
    for answer in answers {
        assert_eq!(code(answer.await.unwrap()), "Committed");
    }
    assert_eq!(store.lasts(), lasts + 1);
}

#[tokio::test]
async fn a_search_tells_nothing_to_who_asks_for_the_same_id_from_further_back() {
    let id = CommandId::derived("welcome", uuid::Uuid::from_u128(1), 0);
    let store = old(1_000, id.as_str()).await;
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    // It is searched for from a position that is too late, in vain, and not carried out.
    let mut late = with_id(add("a", 1), id.as_str());
    late.causation_position = Some(Position(500));
    late.deadline = Some(Utc::now());
    let (late, whole) =
        (submit(&processor, late), submit(&processor, with_id(add("a", 1), id.as_str())));
    assert_eq!(code(late.await.unwrap()), "deadline");
    assert_eq!(code(whole.await.unwrap()), "Replayed");
    assert_eq!(commits(&store.log()), 1_001);
}

#[tokio::test]
async fn a_deadline_that_passes_during_a_search_counts_unless_the_search_finds_the_answer() {
    let store = old(1_000, "first").await;
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    let (reads, lasts) = (store.reads(), store.lasts());
    let over = Utc::now() + TimeDelta::milliseconds(20);
    let within = |id: &str| {
        let mut request = with_id(add("a", 1), id);
        request.deadline = Some(over);
        request
    };
    let released = store.hold_reads();
    let (found, missed) =
        (submit(&processor, within("first")), submit(&processor, within("import")));
    while store.reads() == reads || Utc::now() <= over {
        tokio::task::yield_now().await;
    }
    drop(released);
    // The stored hash is another one, which is an answer, too.
    assert_eq!(code(found.await.unwrap()), "id-reused");
    assert_eq!(code(missed.await.unwrap()), "deadline");
    assert_eq!(store.lasts(), lasts + 1, "one search");
    assert_eq!(commits(&store.log()), 1_001);
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_time_is_one_page_s_and_not_the_history_s() {
    let store = old(1_000, "first").await;
    let read_timeout = Duration::from_secs(1);
    let options = ProcessorOptions { read_timeout, ..options() };
    let processor = start_with(store.clone(), options);
    store.take_for_each_page(read_timeout.mul_f32(0.6));
    assert_eq!(code(processor.execute(add("a", 1)).await), "Committed");
    assert!(store.reads() > 3, "a history of several pages");
    // A search goes through all of them, too.
    assert_eq!(code(processor.execute(with_id(add("a", 1), "first")).await), "id-reused");
    store.take_for_each_page(read_timeout.mul_f32(1.5));
    assert_eq!(code(processor.execute(with_id(add("a", 1), "other")).await), "unavailable");
}

#[tokio::test]
async fn a_search_that_fails_answers_those_it_was_for() {
    let store = old(1_000, "first").await;
    let processor = start(store.clone());
    processor.execute(add("a", 1)).await.unwrap();
    let (searched, other) = (
        submit(&processor, with_id(add("a", 1), "import")),
        submit(&processor, with_id(add("a", 1), &v7(Utc::now()))),
    );
    store.log().away(1);
    assert_eq!(code(searched.await.unwrap()), "unavailable");
    assert_eq!(code(other.await.unwrap()), "Committed");
}
