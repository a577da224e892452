//! What was written is read, whole and in order.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use infrastructure::{
    envelope,
    store::{Freshness, Page, Pages, Start, Store, StreamKey},
};
use kit::Position;
use nats::limits::{COMMIT_BYTES_MAX, READ_BATCH_MAX, READ_BYTES_MAX};

use super::{append, commit, fill, fresh_key, history, positions, read};

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

/// A store gives out what stands there. Whoever decodes it is told which commit cannot be read.
pub async fn what_is_not_ours_is_read_with_its_place(store: &impl Store) {
    let (key, other) = (fresh_key(), fresh_key());
    let ours = append(store, &key, Position::ZERO).await;
    let bodies = [
        Bytes::from_static(b"\xff\xfe not json"),
        Bytes::new(),
        Bytes::from_static(b"[]"),
        Bytes::from_static(b"[{}]"),
        commit(&other, 2, 1),
    ];
    let (mut places, mut last) = (Vec::new(), ours);
    for body in bodies.clone() {
        last = store.append(&key, last, body).await.expect("the place is free");
        places.push(last);
    }
    let commits = history(store, &key).await;
    assert!(envelope::decode_commit(&key, &commits[0]).is_ok());
    for ((commit, place), body) in commits[1..].iter().zip(places).zip(bodies) {
        assert_eq!(commit.body, body);
        let corrupt = envelope::decode_commit(&key, commit).expect_err("not one of ours");
        assert_eq!((&corrupt.key, corrupt.position), (&key, place));
    }
    assert_eq!(commits.len(), 6);
}
