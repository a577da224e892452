//! An append that nobody answered ends in exactly one landing, or in none for ever.

use std::time::Duration;

use bytes::Bytes;
use infrastructure::{
    envelope::{self, NewEvent},
    memory::{Fault, MemoryStore},
    settle::settle,
    store::{AppendError, Freshness, Pages, Start, Store, StreamKey},
};
use kit::{EventId, Kind, Metadata, Position, Version};
use tokio::time::Instant;

fn key() -> StreamKey {
    StreamKey { aggregate: "lamp".into(), id: "hall".parse().unwrap() }
}

fn commit(id: u128) -> Bytes {
    let event = NewEvent {
        id: EventId::from_u128(id),
        kind: Kind { name: "lamp-lit", version: 1 },
        version: Version(1),
        time: "2026-11-21T10:15:30Z".parse().unwrap(),
        data: b"{}".to_vec(),
    };
    let metadata = Metadata {
        command_id: "switch".parse().unwrap(),
        command_hash: String::new(),
        correlation_id: String::new(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    envelope::encode(&key(), [(&event, &metadata)]).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

async fn unanswered(fault: Fault) -> MemoryStore {
    let store = MemoryStore::new();
    store.fault(fault);
    let answer = store.append(&key(), Position::ZERO, commit(1)).await;
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
    store
}

async fn history(store: &MemoryStore) -> Vec<Bytes> {
    let commits = Pages::new(store, &key(), Start::WHOLE, Freshness::Leader).rest().await.unwrap();
    commits.into_iter().map(|commit| commit.body).collect()
}

#[tokio::test]
async fn a_landed_commit_is_found_and_not_written_again() {
    let store = unanswered(Fault::AckLost).await;
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    assert_eq!(settled, Ok(Position(1)));
    assert_eq!(history(&store).await, [commit(1)]);
}

#[tokio::test]
async fn a_lost_commit_is_written() {
    let store = unanswered(Fault::RequestLost).await;
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    assert_eq!(settled, Ok(Position(1)));
    assert_eq!(history(&store).await, [commit(1)]);
}

#[tokio::test]
async fn a_commit_that_arrives_after_it_was_settled_does_not_land_twice() {
    let store = unanswered(Fault::UnderWay).await;
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    store.land();
    assert_eq!(settled, Ok(Position(1)));
    assert_eq!(history(&store).await, [commit(1)]);
}

#[tokio::test]
async fn another_commit_in_the_place_means_that_ours_is_not_in_and_never_will_be() {
    let store = unanswered(Fault::UnderWay).await;
    store.append(&key(), Position::ZERO, commit(2)).await.unwrap();
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    store.land();
    assert_eq!(settled, Err(AppendError::Conflict));
    assert_eq!(history(&store).await, [commit(2)]);
}

#[tokio::test]
async fn a_landed_commit_is_found_behind_which_others_stand() {
    let store = unanswered(Fault::AckLost).await;
    store.append(&key(), Position(1), commit(2)).await.unwrap();
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    assert_eq!(settled, Ok(Position(1)));
}

#[tokio::test]
async fn a_store_that_is_away_for_a_while_does_not_end_the_search() {
    let store = unanswered(Fault::AckLost).await;
    store.away(3);
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    assert_eq!(settled, Ok(Position(1)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_settled_in_time_stays_unknown_with_the_words_of_the_store() {
    let store = unanswered(Fault::AckLost).await;
    store.away(usize::MAX);
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    let Err(AppendError::Unknown(why)) = settled else { panic!("{settled:?}") };
    assert!(why.contains("told to be away"), "{why}");
}

#[tokio::test]
async fn foreign_bytes_in_the_place_are_a_conflict_and_no_panic() {
    let store = unanswered(Fault::RequestLost).await;
    store.append(&key(), Position::ZERO, Bytes::from_static(b"\xff\x00[{")).await.unwrap();
    let settled = settle(&store, &key(), Position::ZERO, &commit(1), soon()).await;
    assert_eq!(settled, Err(AppendError::Conflict));
}
