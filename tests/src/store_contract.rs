//! What every event store promises: the same functions run on each of them.
//! Not here: how a store is started, and what it does when a part fails.

use std::future::Future;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use infrastructure::{
    envelope::{self, NewEvent},
    store::{AppendError, Commit, Freshness, Page, Pages, Start, Store, StreamKey},
};
use kit::{Kind, Metadata, Position, Version};
use nats::limits::{COMMIT_BYTES_MAX, READ_BATCH_MAX, READ_BYTES_MAX};
use uuid::Uuid;

/// Runs every promise on `store`, which may hold other things already.
pub async fn keep_every_promise(store: &impl Store) {
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

/// What was written is there, at the position that the store gave, byte for byte.
pub async fn an_append_is_read_back(store: &impl Store) {
    let key = fresh_key();
    let body = commit(&key, 1, 2);
    let position = store.append(&key, Position::ZERO, body.clone()).await.expect("the first");
    assert!(position > Position::ZERO, "zero stands for nothing");
    let commits = history(store, &key).await;
    assert_eq!(positions(&commits), [position]);
    assert_eq!(commits[0].body, body);
    assert_eq!(store.last(&key).await, Ok(position));
    assert_eq!(read(store, &key, position).await, [], "nothing stands behind the last");
}

/// Nothing is not an error.
pub async fn what_was_never_written_is_empty(store: &impl Store) {
    let key = fresh_key();
    for freshness in [Freshness::Any, Freshness::Leader] {
        let mut pages = Pages::new(store, &key, Start::WHOLE, freshness);
        assert_eq!(pages.next().await, Ok(None));
        assert_eq!(pages.next().await, Ok(None), "the end is the end");
    }
    assert_eq!(store.last(&key).await, Ok(Position::ZERO));
    for start in [Start::WHOLE, Start::Since(DateTime::UNIX_EPOCH)] {
        let page = store.page(&key, start, Position::ZERO).await;
        assert_eq!(page, Ok(Page { commits: Vec::new(), more: false }), "from {start:?}");
    }
}

/// A history that is longer than one answer of the store comes whole and in order.
pub async fn commits_come_in_order_also_when_they_are_many(store: &impl Store) {
    let key = fresh_key();
    let written = fill(store, &key, 2 * READ_BATCH_MAX + 3).await;
    assert!(written.is_sorted_by(|a, b| a < b), "{written:?}");
    assert_eq!(positions(&history(store, &key).await), written);
    for after in [0, READ_BATCH_MAX - 1, READ_BATCH_MAX, written.len() - 1] {
        let tail = read(store, &key, written[after]).await;
        assert_eq!(positions(&tail), written[after + 1..], "after commit {after}");
    }
}

/// However long a history is, a page of it is not: none is larger than it may be, each begins where
/// the one before it ended, and only the last one is the last.
pub async fn a_long_history_comes_in_pages(store: &impl Store) {
    let key = fresh_key();
    let written = fill(store, &key, 2 * READ_BATCH_MAX).await;
    let end = written[written.len() - 1];
    let (mut start, mut seen) = (Start::WHOLE, Vec::new());
    loop {
        let page = store.page(&key, start, end).await.expect("the store answers");
        let found = positions(&page.commits);
        assert!((1..=READ_BATCH_MAX).contains(&found.len()), "{} in a page", found.len());
        seen.extend(found);
        assert_eq!(page.more, seen.len() < written.len(), "after {} commits", seen.len());
        start = Start::After(seen[seen.len() - 1]);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, written);

    // What lands between two pages is read as well, if only from the leader's point of view.
    let mut pages = Pages::new(store, &key, Start::WHOLE, Freshness::Leader);
    let first = pages.next().await.expect("the store answers").expect("a page");
    let later = append(store, &key, end).await;
    let rest = pages.rest().await.expect("the store answers");
    let all: Vec<_> = positions(&first).into_iter().chain(positions(&rest)).collect();
    assert_eq!(all[..written.len()], written);
    assert!(matches!(all[written.len()..], [] | [_]), "{all:?}");
    assert!(all.len() == written.len() || all.ends_with(&[later]), "{all:?}");
}

/// Pages are bounded in bytes, too: a history of large commits comes in more of them, and whole.
pub async fn large_commits_come_in_more_pages(store: &impl Store) {
    let key = fresh_key();
    let body = Bytes::from(vec![b' '; COMMIT_BYTES_MAX]);
    let (mut written, mut last) = (Vec::new(), Position::ZERO);
    for _ in 0..=2 * READ_BYTES_MAX / COMMIT_BYTES_MAX {
        last = store.append(&key, last, body.clone()).await.expect("the place is free");
        written.push(last);
    }
    let (mut pages, mut seen) =
        (Pages::new(store, &key, Start::WHOLE, Freshness::Leader), Vec::new());
    while let Some(page) = pages.next().await.expect("the store answers") {
        let bytes: usize = page.iter().map(|commit| commit.body.len()).sum();
        assert!(bytes <= READ_BYTES_MAX + COMMIT_BYTES_MAX, "{bytes} in a page");
        seen.extend(positions(&page));
    }
    assert_eq!(seen, written);
}

/// Keys that are alike are still different histories, with one count of positions over all.
pub async fn histories_do_not_mix(store: &impl Store) {
    let one = fresh_key();
    let longer = StreamKey { id: format!("{}0", one.id).parse().expect("an id"), ..one.clone() };
    let other = StreamKey { aggregate: "lamps".into(), ..one.clone() };
    let mut written = Vec::new();
    for key in [&one, &longer, &other] {
        written.push(append(store, key, Position::ZERO).await);
    }
    written.push(append(store, &one, written[0]).await);
    assert!(written.is_sorted_by(|a, b| a < b), "{written:?}");
    assert_eq!(positions(&history(store, &one).await), [written[0], written[3]]);
    assert_eq!(positions(&history(store, &longer).await), [written[1]]);
    assert_eq!(positions(&history(store, &other).await), [written[2]]);
}

/// Whatever the expectation is, only the last position of this very key is right.
pub async fn a_wrong_expectation_conflicts_and_writes_nothing(store: &impl Store) {
    let (key, other) = (fresh_key(), fresh_key());
    let first = append(store, &key, Position::ZERO).await;
    let last = append(store, &key, first).await;
    let foreign = append(store, &other, Position::ZERO).await;
    for wrong in [Position::ZERO, first, foreign, last.next(), Position(u64::MAX)] {
        let answer = store.append(&key, wrong, commit(&key, 3, 1)).await;
        assert_eq!(answer, Err(AppendError::Conflict), "at {wrong}");
    }
    assert_eq!(positions(&history(store, &key).await), [first, last]);
    let nothing_there = store.append(&fresh_key(), last, commit(&key, 1, 1)).await;
    assert_eq!(nothing_there, Err(AppendError::Conflict), "a new key expects zero");
}

/// Two writers that both saw nothing: one commit, one conflict, in every round.
pub async fn of_two_first_writers_exactly_one_wins(store: &impl Store) {
    for round in 0..100 {
        let key = fresh_key();
        let bodies = [commit(&key, 1, 1), commit(&key, 1, 1)];
        let [one, two] = bodies.clone().map(|body| store.append(&key, Position::ZERO, body));
        let (one, two) = tokio::join!(tokio::spawn(one), tokio::spawn(two));
        let answers = [one.expect("no panic"), two.expect("no panic")];
        let winner = answers.iter().position(Result::is_ok);
        let winner = winner.unwrap_or_else(|| panic!("round {round}: nobody won: {answers:?}"));
        let lost = &answers[1 - winner];
        assert_eq!(lost, &Err(AppendError::Conflict), "round {round}: {answers:?}");
        let commits = history(store, &key).await;
        assert_eq!(commits.len(), 1, "round {round}");
        assert_eq!(commits[0].body, bodies[winner], "round {round}");
    }
}

/// Writers that read, count on and append: every count is there once.
pub async fn of_many_writers_none_loses_an_update(store: &impl Store) {
    const WRITERS: usize = 8;
    const EACH: usize = 10;
    let key = fresh_key();
    let writers: FuturesUnordered<_> =
        (0..WRITERS).map(|_| tokio::spawn(count_on(store.clone(), key.clone(), EACH))).collect();
    writers.try_collect::<Vec<()>>().await.expect("no panic");
    let commits = history(store, &key).await;
    let versions: Vec<u64> = commits.iter().flat_map(versions).collect();
    let dense: Vec<u64> = (1..).take(WRITERS * EACH).collect();
    assert_eq!(versions, dense);
}

async fn count_on(store: impl Store, key: StreamKey, times: usize) {
    let (mut done, mut freshness) = (0, Freshness::Any);
    while done < times {
        let seen = Pages::new(&store, &key, Start::WHOLE, freshness)
            .rest()
            .await
            .expect("the store answers");
        let last = seen.last().map_or(Position::ZERO, |commit| commit.position);
        let next = seen.last().map_or(0, |commit| versions(commit)[0]) + 1;
        match store.append(&key, last, commit(&key, next, 1)).await {
            Ok(_) => (done, freshness) = (done + 1, Freshness::Any),
            Err(AppendError::Conflict) => freshness = Freshness::Leader,
            Err(error) => panic!("{error}"),
        }
    }
}

fn versions(commit: &Commit) -> Vec<u64> {
    let elements = envelope::decode(&commit.body).expect("one of ours");
    elements.iter().map(|element| element.version.0).collect()
}

/// All events of a commit share one fate.
pub async fn a_commit_is_written_as_a_whole_or_not_at_all(store: &impl Store) {
    let key = fresh_key();
    let whole = store.append(&key, Position::ZERO, commit(&key, 1, 25)).await.expect("free");
    let refused = store.append(&key, Position::ZERO, commit(&key, 1, 25)).await;
    assert_eq!(refused, Err(AppendError::Conflict));
    let commits = history(store, &key).await;
    assert_eq!(positions(&commits), [whole]);
    assert_eq!(versions(&commits[0]), (1..=25).collect::<Vec<_>>());
}

/// The limit itself fits; a byte more is refused, and the place stays free.
pub async fn an_oversized_commit_is_refused(store: &impl Store) {
    let key = fresh_key();
    let bytes = |count: usize| Bytes::from(vec![b' '; count]);
    let answer = store.append(&key, Position::ZERO, bytes(COMMIT_BYTES_MAX + 1)).await;
    let refusal = AppendError::TooLarge { bytes: COMMIT_BYTES_MAX + 1, limit: COMMIT_BYTES_MAX };
    assert_eq!(answer, Err(refusal));
    assert_eq!(store.last(&key).await, Ok(Position::ZERO));
    let fits = store.append(&key, Position::ZERO, bytes(COMMIT_BYTES_MAX)).await;
    assert_eq!(store.last(&key).await, Ok(fits.expect("the limit fits")));
}

/// Read your writes, each time, directly after the acknowledgement.
pub async fn a_leader_read_sees_what_was_acknowledged(store: &impl Store) {
    let key = fresh_key();
    let mut before = Position::ZERO;
    for round in 0..200 {
        let position = append(store, &key, before).await;
        let tail = read(store, &key, before).await;
        assert_eq!(positions(&tail), [position], "round {round}");
        assert_eq!(store.last(&key).await, Ok(position), "round {round}");
        before = position;
    }
}

/// The commit of that very time belongs to what is read, and none before it.
pub async fn a_read_since_a_time_begins_there(store: &impl Store) {
    let key = fresh_key();
    fill(store, &key, 9).await;
    let commits = history(store, &key).await;
    let end = commits[8].position;
    let times = commits.iter().map(|commit| commit.time).chain([DateTime::UNIX_EPOCH]);
    for time in times {
        let page = store.page(&key, Start::Since(time), end).await.expect("the store answers");
        let wanted: Vec<_> = commits.iter().filter(|c| c.time >= time).cloned().collect();
        assert_eq!(page.commits, wanted, "since {time}");
        assert!(!page.more);
    }
    let later = Start::Since(Utc::now() + TimeDelta::days(1));
    let page = store.page(&key, later, Position::ZERO).await;
    assert_eq!(page, Ok(Page { commits: Vec::new(), more: false }));
}

/// The future of an append borrows nothing: it runs wherever it is sent.
pub async fn an_append_can_be_sent_away(store: &impl Store) {
    fn away<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let appends: FuturesUnordered<_> = (0..500)
        .map(|_| {
            let key = fresh_key();
            let body = commit(&key, 1, 1);
            tokio::spawn(away(store.append(&key, Position::ZERO, body)))
        })
        .collect();
    let answers: Vec<_> = appends.collect().await;
    let mut positions: Vec<_> =
        answers.into_iter().map(|answer| answer.expect("no panic").expect("free")).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 500, "each has a place of its own");
}
