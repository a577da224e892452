//! Snapshots: a newer one is never replaced by an older one, and none is ever needed.

use async_nats::jetstream;
use infrastructure::{
    aggregates::Aggregates,
    jetstream::{JetStreamOptions, JetStreamStore},
    processor::{Processor, ProcessorOptions},
    provision::{ProvisionOptions, provision},
    request::{CommandRequest, Status},
    snapshot::{Put, Snapshot, Snapshots},
    store::StreamKey,
};
use kit::{AggregateId, Position, Secret, Version};
use nats::{limits::SNAPSHOT_BYTES_MAX, names};
use serde_json::value::to_raw_value;
use tests::{LIMIT, Server, eventually, store_contract::fresh_key};

use crate::processor::counter::Counter;

fn snapshot(position: u64, state: &str) -> Snapshot {
    Snapshot {
        state_schema: 1,
        version: Version(position),
        position: Position(position),
        state: to_raw_value(state).unwrap(),
        receipts: to_raw_value(&()).unwrap(),
    }
}

async fn open(server: &Server) -> Snapshots {
    let client = server.client().await;
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    Snapshots::open(&client).await.unwrap()
}

#[tokio::test]
async fn the_newest_snapshot_stays() {
    let server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    assert!(snapshots.get(&key, 1).await.is_none());
    assert_eq!(snapshots.put(&key, &snapshot(5, "five")).await, Put::Stored);
    assert_eq!(snapshots.put(&key, &snapshot(9, "nine")).await, Put::Stored);
    assert_eq!(snapshots.put(&key, &snapshot(7, "seven")).await, Put::Older);
    assert_eq!(snapshots.put(&key, &snapshot(9, "again")).await, Put::Older);
    let found = snapshots.get(&key, 1).await.unwrap();
    assert_eq!((found.position, found.version), (Position(9), Version(9)));
    assert_eq!(found.state.get(), "\"nine\"");
}

#[tokio::test]
async fn of_snapshots_stored_at_the_same_time_the_newest_stays() {
    let server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    let mut writers = tokio::task::JoinSet::new();
    // The newest first: whoever writes without comparing ends with the oldest.
    for position in (1..=20).rev() {
        let (snapshots, key) = (snapshots.clone(), key.clone());
        writers.spawn(async move {
            let mine = snapshot(position, "state");
            // A writer that gives up after a few races may leave an older one behind.
            while snapshots.put(&key, &mine).await == Put::Failed {}
        });
    }
    writers.join_all().await;
    assert_eq!(snapshots.get(&key, 1).await.unwrap().position, Position(20));
}

#[tokio::test]
async fn a_snapshot_of_another_shape_is_passed_over_and_replaced() {
    let server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    snapshots.put(&key, &snapshot(5, "old")).await;
    assert!(snapshots.get(&key, 2).await.is_none());
    let new = Snapshot { state_schema: 2, ..snapshot(5, "new") };
    assert_eq!(snapshots.put(&key, &new).await, Put::Stored);
    assert_eq!(snapshots.get(&key, 2).await.unwrap().state.get(), "\"new\"");
}

#[tokio::test]
async fn a_snapshot_that_is_too_large_is_not_stored() {
    let server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    let large = snapshot(5, &"x".repeat(SNAPSHOT_BYTES_MAX));
    assert_eq!(snapshots.put(&key, &large).await, Put::TooLarge);
    assert!(snapshots.get(&key, 1).await.is_none());
}

#[tokio::test]
async fn what_is_not_a_snapshot_is_passed_over_and_replaced() {
    let server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    let context = async_nats::jetstream::new(server.client().await);
    let bucket = context.get_key_value(names::SNAPSHOTS).await.unwrap();
    bucket.put(key.to_string(), "{\"state\":".into()).await.unwrap();
    assert!(snapshots.get(&key, 1).await.is_none());
    assert_eq!(snapshots.put(&key, &snapshot(1, "one")).await, Put::Stored);
    bucket.delete(key.to_string()).await.unwrap();
    assert!(snapshots.get(&key, 1).await.is_none());
    assert_eq!(snapshots.put(&key, &snapshot(1, "one")).await, Put::Stored);
}

#[tokio::test]
async fn without_a_server_there_is_simply_no_snapshot() {
    let mut server = Server::start().await;
    let (snapshots, key) = (open(&server).await, fresh_key());
    snapshots.put(&key, &snapshot(5, "five")).await;
    server.kill9();
    assert!(snapshots.get(&key, 1).await.is_none());
    assert_eq!(snapshots.put(&key, &snapshot(6, "six")).await, Put::Failed);
}

fn command(id: &AggregateId, name: &str, body: &'static str) -> CommandRequest {
    CommandRequest::new("counter", id.clone(), name, body.as_bytes())
}

async fn processor(server: &Server, snapshots: Option<&Snapshots>) -> Processor {
    let (append, read) = (server.client().await, server.client().await);
    let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
    let options = ProcessorOptions {
        snapshots: snapshots.cloned(),
        snapshot_every: 3,
        ..ProcessorOptions::new(Secret::new([1; 32]))
    };
    Processor::start(store, Aggregates::new().with::<Counter>(), options)
}

#[tokio::test]
async fn a_snapshot_of_a_history_that_the_log_does_not_have_is_passed_over() {
    let server = Server::start().await;
    let (snapshots, StreamKey { id, .. }) = (open(&server).await, fresh_key());
    let key = StreamKey { aggregate: "counter".into(), id: id.clone() };
    let before = processor(&server, Some(&snapshots)).await;
    for _ in 0..3 {
        before.execute(command(&id, "add", r#"{"by":1}"#)).await.unwrap();
    }
    eventually("a snapshot", LIMIT, async || snapshots.get(&key, 1).await).await;
    before.drain().await;

    // A log that lost its end and went on: the same positions and versions, other events.
    let client = server.client().await;
    jetstream::new(client.clone()).delete_stream(names::EVENTS).await.unwrap();
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    let meanwhile = processor(&server, None).await;
    for _ in 0..4 {
        meanwhile.execute(command(&id, "add", r#"{"by":10}"#)).await.unwrap();
    }

    let after = processor(&server, Some(&snapshots)).await;
    let reply = after.execute(command(&id, "take", r#"{"by":40}"#)).await.unwrap();
    assert_eq!((reply.status, reply.version), (Status::Committed, Version(5)));
}
