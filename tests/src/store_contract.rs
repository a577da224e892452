//! What every event store promises: the same functions run on each of them.
//! Not here: how a store is started, how its line is disturbed, and what it does when a part fails.

mod reading;
mod unanswered;
mod writing;

use bytes::Bytes;
use chrono::Utc;
use infrastructure::{
    envelope::{self, NewEvent},
    store::{Commit, Freshness, Pages, Start, Store, StreamKey},
};
use kit::{Kind, Metadata, Position, Version};
pub use reading::*;
pub use unanswered::*;
use uuid::Uuid;
pub use writing::*;

/// Runs every promise on a store, which may hold other things already.
pub async fn keep_every_promise(line: &impl Line) {
    keep_every_promise_undisturbed(line.witness()).await;
    when_the_acknowledgement_is_lost_the_commit_is_found_and_lands_once(line).await;
    an_append_that_arrives_after_it_was_settled_does_not_land_again(line).await;
    an_append_that_arrives_after_another_took_its_place_never_lands(line).await;
}

async fn keep_every_promise_undisturbed(store: &impl Store) {
    an_append_is_read_back(store).await;
    what_was_never_written_is_empty(store).await;
    commits_come_in_order_also_when_they_are_many(store).await;
    a_long_history_comes_in_pages(store).await;
    large_commits_come_in_more_pages(store).await;
    histories_do_not_mix(store).await;
    a_wrong_expectation_conflicts_and_writes_nothing(store).await;
    of_two_first_writers_exactly_one_wins(store).await;
    of_many_writers_none_loses_an_update(store).await;
    a_commit_is_written_as_a_whole_or_not_at_all(store).await;
    an_oversized_commit_is_refused(store).await;
    a_leader_read_sees_what_was_acknowledged(store).await;
    a_read_since_a_time_begins_there(store).await;
    what_is_not_ours_is_read_with_its_place(store).await;
    an_append_can_be_sent_away(store).await;
}

/// The key of a history that nobody has written to.
#[must_use]
pub fn fresh_key() -> StreamKey {
    StreamKey { aggregate: "lamp".into(), id: Uuid::now_v7().into() }
}

/// A commit of `count` events from `first` on, each with an id of its own.
///
/// # Panics
/// If it cannot be encoded.
#[must_use]
pub fn commit(key: &StreamKey, first: u64, count: u64) -> Bytes {
    let metadata = Metadata {
        command_id: Uuid::now_v7().into(),
        command_hash: "ab12".to_owned(),
        correlation_id: "contract".to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let event = |version| NewEvent {
        id: Uuid::now_v7(),
        kind: Kind { name: "lamp-lit", version: 1 },
        version: Version(version),
        time: Utc::now(),
        data: br#"{"lumens":800}"#.to_vec(),
    };
    let events: Vec<_> = (first..first + count).map(event).collect();
    envelope::encode(key, events.iter().map(|event| (event, &metadata))).expect("a commit")
}

/// The whole history as the leader knows it.
///
/// # Panics
/// If the store is away.
pub async fn history(store: &impl Store, key: &StreamKey) -> Vec<Commit> {
    read(store, key, Position::ZERO).await
}

async fn read(store: &impl Store, key: &StreamKey, after: Position) -> Vec<Commit> {
    let tail = Pages::new(store, key, Start::After(after), Freshness::Leader);
    tail.rest().await.expect("the store answers")
}

async fn append(store: &impl Store, key: &StreamKey, expected: Position) -> Position {
    store.append(key, expected, commit(key, 1, 1)).await.expect("the place is free")
}

/// Appends `count` commits, one after the other.
async fn fill(store: &impl Store, key: &StreamKey, count: usize) -> Vec<Position> {
    let mut positions = Vec::with_capacity(count);
    let mut last = Position::ZERO;
    for _ in 0..count {
        last = append(store, key, last).await;
        positions.push(last);
    }
    positions
}

fn positions(commits: &[Commit]) -> Vec<Position> {
    commits.iter().map(|commit| commit.position).collect()
}

fn versions(commit: &Commit) -> Vec<u64> {
    let elements = envelope::decode(&commit.body).expect("one of ours");
    elements.iter().map(|element| element.version.0).collect()
}
