//! Batches as they are taken: large enough, soon enough, in order.

use std::time::Duration;

use kit::{BatchSize, CommandId, EventId, Metadata, Position, Recorded, Version};
use tokio::time::Instant;

use super::{
    super::Failure,
    gathering::{Done, Gathering, Item, Taken},
};

const SIZE: BatchSize = BatchSize { events: 4, bytes: 100, wait: Duration::from_secs(1) };

fn item(position: u64, bytes: usize) -> Item<()> {
    let id = EventId::from_u128(u128::from(position));
    let key = CommandId::derived("h", id, 0);
    let metadata = Metadata {
        command_id: key.clone(),
        command_hash: String::new(),
        correlation_id: String::new(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    };
    let event = Recorded {
        id,
        aggregate: "lamp".to_owned(),
        aggregate_id: "a".parse().unwrap(),
        version: Version(1),
        position: Position(position),
        index: 0,
        time: chrono::DateTime::default(),
        metadata,
        event: (),
    };
    Item { batched: kit::Batched { event, kind: "lamp.lit".to_owned(), key }, bytes }
}

fn items(positions: &[u64]) -> Vec<Item<()>> {
    positions.iter().map(|position| item(*position, 1)).collect()
}

fn positions(taken: &Taken<()>) -> Vec<u64> {
    taken.iter().map(|(_, it)| it.event.position.0).collect()
}

fn done() -> Result<Done, Failure> {
    Ok(Done::default())
}

#[test]
fn a_batch_is_due_when_it_is_full_or_its_first_event_has_waited_long_enough() {
    let (mut gathering, now) = (Gathering::new(SIZE), Instant::now());
    assert_eq!(gathering.due(9, now), None, "there is nothing");
    let _first = gathering.submit(items(&[1, 2]), false, now);
    let _second = gathering.submit(items(&[3]), false, now + SIZE.wait / 2);
    assert_eq!(gathering.due(0, now), Some(now + SIZE.wait));
    assert_eq!(gathering.due(1, now), Some(now), "as many as fit, and one can only come later");
    let _third = gathering.submit(items(&[4, 5]), false, now);
    assert_eq!(gathering.due(0, now), Some(now));
    assert_eq!(positions(&gathering.take()), [1, 2, 3, 4]);
    assert_eq!(positions(&gathering.take()), [5]);
    assert!(gathering.take().is_empty());
}

#[test]
fn a_batch_is_bounded_in_bytes_and_what_is_larger_comes_alone() {
    let (mut gathering, now) = (Gathering::new(SIZE), Instant::now());
    let all = vec![item(1, 60), item(2, 60), item(3, 300), item(4, 1)];
    let _told = gathering.submit(all, false, now);
    assert_eq!(gathering.due(0, now), Some(now));
    let taken: Vec<_> = (0..4).map(|_| positions(&gathering.take())).collect();
    assert_eq!(taken, [vec![1], vec![2], vec![3], vec![4]]);
}

#[test]
fn what_fails_for_a_bug_comes_alone_and_the_others_stay_together_in_the_order_of_the_log() {
    let (mut gathering, now) = (Gathering::new(SIZE), Instant::now());
    let _told = [
        gathering.submit(items(&[7]), false, now),
        gathering.submit(items(&[2, 5]), true, now),
        gathering.submit(items(&[3]), false, now),
    ];
    let first = gathering.take();
    assert_eq!(positions(&first), [3, 7]);
    for (number, _) in first {
        gathering.went(number, vec![done()]);
    }
    assert_eq!(gathering.due(0, now), Some(now));
    assert_eq!(positions(&gathering.take()), [2, 5]);
}

#[tokio::test]
async fn whoever_asks_is_told_how_far_it_came_and_what_comes_behind_a_failure_is_let_go() {
    let (mut gathering, now) = (Gathering::new(SIZE), Instant::now());
    let told = gathering.submit(items(&[1, 2, 3, 4, 5, 6]), false, now);
    let taken = gathering.take();
    let number = taken.first().unwrap().0;
    gathering.went(number, vec![done(), done(), Err(Failure::Bug("no".to_owned()))]);
    let (before, failure) = told.await.unwrap();
    assert_eq!((before.len(), failure), (2, Some(Failure::Bug("no".to_owned()))));
    assert!(gathering.take().is_empty());
    let told = gathering.submit(items(&[3]), false, now);
    gathering.close();
    assert_eq!(told.await.unwrap().1, Some(Failure::Interrupted));
    assert!(gathering.submit(items(&[4]), false, now).await.is_err());
}
