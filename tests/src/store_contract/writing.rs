//! What is written where it was expected to be, and nowhere else.

use std::future::Future;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::FuturesUnordered};
use infrastructure::store::{AppendError, Freshness, Pages, Start, Store, StreamKey};
use kit::Position;
use nats::limits::COMMIT_BYTES_MAX;

use super::{append, commit, fresh_key, history, positions, versions};

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
