//! The command processor's rules, one test each, on the store in memory.

mod answers;
mod cache;
mod coalescing;
mod conflicts;
mod counter;
mod faulty;
mod histories;
mod limits;
mod outcomes;
mod panics;
mod property;

use bytes::Bytes;
use chrono::Utc;
use infrastructure::{
    aggregates::Aggregates,
    envelope::{self, NewEvent},
    memory::MemoryStore,
    problem::Problem,
    processor::{Processor, ProcessorOptions},
    request::{CommandRequest, Reply},
    store::{Freshness, Pages, Start, Store, StreamKey},
};
use kit::{Event as _, Metadata, Recorded, Secret, Version};
use tokio::sync::oneshot;

use counter::{Counter, CounterEvent};

fn options() -> ProcessorOptions {
    ProcessorOptions::new(Secret::new([1; 32]))
}

fn start(store: impl Store) -> Processor {
    start_with(store, options())
}

fn start_with(store: impl Store, options: ProcessorOptions) -> Processor {
    Processor::start(store, Aggregates::new().with::<Counter>(), options)
}

fn key(id: &str) -> StreamKey {
    StreamKey { aggregate: "counter".into(), id: id.parse().unwrap() }
}

fn request(id: &str, name: &str, body: &str) -> CommandRequest {
    CommandRequest::new(
        "counter",
        id.parse().unwrap(),
        name,
        Bytes::copy_from_slice(body.as_bytes()),
    )
}

fn add(id: &str, by: u64) -> CommandRequest {
    request(id, "add", &format!("{{\"by\":{by}}}"))
}

fn take(id: &str, by: u64) -> CommandRequest {
    request(id, "take", &format!("{{\"by\":{by}}}"))
}

fn note(id: &str, bytes: usize) -> CommandRequest {
    request(id, "note", &format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)))
}

fn with_id(request: CommandRequest, id: &str) -> CommandRequest {
    CommandRequest { command_id: Some(id.parse().unwrap()), ..request }
}

/// Submits without giving the engine a turn: on one thread, what is submitted in a row arrives in
/// the same turn.
fn submit(
    processor: &Processor,
    request: CommandRequest,
) -> oneshot::Receiver<Result<Reply, Problem>> {
    let (answer, answered) = oneshot::channel();
    processor.submit(request, Box::new(|result| answer.send(result).unwrap()));
    answered
}

fn code(result: Result<Reply, Problem>) -> String {
    result.map_or_else(|problem| problem.code, |reply| format!("{:?}", reply.status))
}

/// Every event of an aggregate, checked for dense versions.
async fn history(store: &impl Store, id: &str) -> Vec<Recorded<CounterEvent>> {
    let mut events = Vec::new();
    let key = key(id);
    let commits = Pages::new(store, &key, Start::WHOLE, Freshness::Leader).rest();
    for commit in commits.await.unwrap() {
        for (index, element) in envelope::decode(&commit.body).unwrap().iter().enumerate() {
            events.push(element.record("counter", commit.position, index).unwrap());
        }
    }
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.version, Version(index as u64 + 1), "versions are dense");
    }
    events
}

async fn total(store: &impl Store, id: &str) -> u64 {
    let events = history(store, id).await;
    kit::scenario::fold::<Counter>(events.iter().map(|event| &event.event)).total
}

fn commits(store: &MemoryStore) -> usize {
    store.commits().len()
}

fn metadata(command: &str) -> Metadata {
    Metadata {
        command_id: command.parse().unwrap(),
        command_hash: "0b".repeat(32),
        correlation_id: String::new(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
    }
}

/// The bytes of a commit that another writer makes.
fn foreign(id: &str, command: &str, from: u64, events: &[CounterEvent]) -> Bytes {
    let metadata = metadata(command);
    let events: Vec<_> = events
        .iter()
        .zip(from..)
        .map(|(event, version)| NewEvent {
            id: uuid::Uuid::now_v7(),
            kind: event.kind(),
            version: Version(version),
            time: Utc::now(),
            data: event.data().unwrap(),
        })
        .collect();
    envelope::encode(&key(id), events.iter().map(|event| (event, &metadata))).unwrap()
}
