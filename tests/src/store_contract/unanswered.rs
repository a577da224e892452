//! Appends that nobody answers: each ends in exactly one landing, or surely in none.

use std::future::Future;

use bytes::Bytes;
use infrastructure::{
    memory::{Fault, MemoryStore},
    settle::settle,
    store::{AppendError, Store, StreamKey},
};
use kit::Position;
use tokio::time::Instant;

use super::{commit, fresh_key, history};
use crate::LIMIT;

/// A store behind a line that can be disturbed, and the same store on a line of its own.
pub trait Line {
    /// What is behind it.
    type Store: Store;

    /// The store as whoever suffers from the line has it.
    fn store(&self) -> &Self::Store;

    /// The same store on a line that nobody disturbs.
    fn witness(&self) -> &Self::Store;

    /// From now on requests arrive and answers do not.
    fn lose_answers(&self) -> impl Future<Output = ()>;

    /// From now on requests are under way until [`Self::mend`].
    fn hold_requests(&self) -> impl Future<Output = ()>;

    /// The line is as it was, and what was under way has arrived.
    fn mend(&self) -> impl Future<Output = ()>;
}

/// Its line is disturbed for one append.
impl Line for MemoryStore {
    type Store = Self;

    fn store(&self) -> &Self {
        self
    }

    fn witness(&self) -> &Self {
        self
    }

    async fn lose_answers(&self) {
        self.fault(Fault::AckLost);
    }

    async fn hold_requests(&self) {
        self.fault(Fault::UnderWay);
    }

    async fn mend(&self) {
        self.land();
    }
}

/// A first append without an answer.
async fn unanswered(store: &impl Store, key: &StreamKey, body: &Bytes) {
    let answer = store.append(key, Position::ZERO, body.clone()).await;
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
}

async fn settled(
    store: &impl Store,
    key: &StreamKey,
    body: &Bytes,
) -> Result<Position, AppendError> {
    settle(store, key, Position::ZERO, body, Instant::now() + LIMIT).await
}

/// It is there, so it is neither repeated nor given up.
pub async fn when_the_acknowledgement_is_lost_the_commit_is_found_and_lands_once(line: &impl Line) {
    let key = fresh_key();
    let body = commit(&key, 1, 2);
    line.lose_answers().await;
    unanswered(line.store(), &key, &body).await;
    let settled = settled(line.store(), &key, &body).await;
    let commits = history(line.witness(), &key).await;
    assert_eq!(commits.len(), 1);
    assert_eq!((settled, &commits[0].body), (Ok(commits[0].position), &body));
    line.mend().await;
    assert_eq!(history(line.witness(), &key).await, commits);
}

/// Whichever of the two comes first has the place.
pub async fn an_append_that_arrives_after_it_was_settled_does_not_land_again(line: &impl Line) {
    let key = fresh_key();
    let body = commit(&key, 1, 1);
    line.hold_requests().await;
    unanswered(line.store(), &key, &body).await;
    assert_eq!(history(line.witness(), &key).await, [], "it is still under way");
    let settled = settled(line.witness(), &key, &body).await;
    line.mend().await;
    let commits = history(line.witness(), &key).await;
    assert_eq!(commits.len(), 1);
    assert_eq!(settled, Ok(commits[0].position));
}

/// Its place is taken, for ever.
pub async fn an_append_that_arrives_after_another_took_its_place_never_lands(line: &impl Line) {
    let key = fresh_key();
    let (body, other) = (commit(&key, 1, 1), commit(&key, 1, 1));
    line.hold_requests().await;
    unanswered(line.store(), &key, &body).await;
    let first = line.witness().append(&key, Position::ZERO, other.clone()).await;
    assert!(first.is_ok(), "{first:?}");
    let settled = settled(line.witness(), &key, &body).await;
    line.mend().await;
    assert_eq!(settled, Err(AppendError::Conflict));
    let commits = history(line.witness(), &key).await;
    assert_eq!(commits.into_iter().map(|commit| commit.body).collect::<Vec<_>>(), [other]);
}
