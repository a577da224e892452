//! What the store does with a real server beyond the contract: bytes on the wire, load, restarts,
//! and foreign messages.

use std::time::Duration;

use async_nats::{Client, jetstream};
use futures::{StreamExt, stream::FuturesUnordered};
use infrastructure::{
    envelope::{self, CorruptCommit},
    jetstream::{JetStreamOptions, JetStreamStore},
    provision::{ProvisionOptions, provision},
    store::{AppendError, Freshness, Pages, ReadError, Start, Store},
};
use kit::Position;
use nats::{Subject, headers, names};
use tests::{
    LIMIT, Server, eventually,
    store_contract::{commit, fresh_key, history},
};

async fn store(server: &Server, options: JetStreamOptions) -> JetStreamStore {
    let (append, read) = (server.client().await, server.client().await);
    provision(&read, &ProvisionOptions::default()).await.unwrap();
    JetStreamStore::new(append, read, options).await.unwrap()
}

fn hasty() -> JetStreamOptions {
    let timeout = Duration::from_millis(500);
    JetStreamOptions { append_timeout: timeout, read_timeout: timeout, ..Default::default() }
}

async fn stored(client: &Client, position: Position) -> jetstream::message::StreamMessage {
    let stream = jetstream::new(client.clone()).get_stream(names::EVENTS).await.unwrap();
    stream.get_raw_message(position.0).await.unwrap()
}

#[tokio::test]
async fn a_commit_is_one_message_with_two_headers() {
    let server = Server::start().await;
    let (store, key) = (store(&server, JetStreamOptions::default()).await, fresh_key());
    let body = commit(&key, 1, 3);
    let position = store.append(&key, Position::ZERO, body.clone()).await.unwrap();
    let message = stored(&server.client().await, position).await;
    assert_eq!(*message.subject, *Subject::event("lamp", &key.id));
    assert_eq!(message.payload, body);
    let mut found: Vec<_> = message
        .headers
        .iter()
        .map(|(name, values)| (name.to_string(), values[0].to_string()))
        .collect();
    found.sort();
    let wanted = [
        (headers::CONTENT_TYPE, headers::CLOUDEVENTS_BATCH),
        (headers::EXPECTED_LAST_SUBJECT_SEQUENCE, "0"),
    ];
    assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_appends_and_reads_than_may_be_under_way_wait_their_turn() {
    let server = Server::start().await;
    let few = JetStreamOptions { appends_max: 4, reads_max: 2, ..Default::default() };
    let store = store(&server, few).await;
    let round_trips: FuturesUnordered<_> = (0..400)
        .map(|_| {
            let (store, key) = (store.clone(), fresh_key());
            tokio::spawn(async move {
                let position = store.append(&key, Position::ZERO, commit(&key, 1, 1)).await;
                let commits = history(&store, &key).await;
                assert_eq!(position, Ok(commits[0].position));
            })
        })
        .collect();
    assert_eq!(round_trips.filter_map(async |done| done.ok()).count().await, 400);
}

#[tokio::test]
async fn without_a_stream_an_append_is_refused_and_a_read_says_that_the_store_is_away() {
    let server = Server::start().await;
    let client = server.client().await;
    let store = JetStreamStore::new(client.clone(), client, hasty()).await.unwrap();
    let key = fresh_key();
    let answer = store.append(&key, Position::ZERO, commit(&key, 1, 1)).await;
    assert!(matches!(answer, Err(AppendError::Refused(_))), "{answer:?}");
    for freshness in [Freshness::Any, Freshness::Leader] {
        let answer = Pages::new(&store, &key, Start::WHOLE, freshness).rest().await;
        assert!(matches!(answer, Err(ReadError::Unavailable(_))), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_server_was_killed_and_came_back_the_same_store_goes_on() {
    let mut server = Server::start().await;
    let (store, key) = (store(&server, hasty()).await, fresh_key());
    let first = store.append(&key, Position::ZERO, commit(&key, 1, 1)).await.unwrap();
    server.kill9();
    let answer = store.append(&key, first, commit(&key, 2, 1)).await;
    let unanswered = matches!(answer, Err(AppendError::Unknown(_) | AppendError::Refused(_)));
    assert!(unanswered, "{answer:?}");
    let answer = Pages::new(&store, &key, Start::WHOLE, Freshness::Any).rest().await;
    assert!(matches!(answer, Err(ReadError::Unavailable(_))), "{answer:?}");

    server.restart().await;

    let other = fresh_key();
    let position = eventually("an append is taken again", LIMIT, async || {
        store.append(&other, Position::ZERO, commit(&other, 1, 1)).await.ok()
    })
    .await;
    let commits = eventually("a read is answered again", LIMIT, async || {
        Pages::new(&store, &other, Start::WHOLE, Freshness::Leader).rest().await.ok()
    })
    .await;
    assert_eq!(commits[0].position, position);
    assert_eq!(history(&store, &key).await[0].position, first);
}

#[tokio::test]
async fn what_is_foreign_in_a_history_is_reported_with_its_place() {
    let server = Server::start().await;
    let (store, key) = (store(&server, JetStreamOptions::default()).await, fresh_key());
    let client = server.client().await;
    let publish = async |body: Vec<u8>| {
        let context = jetstream::new(client.clone());
        let subject = Subject::event(&key.aggregate, &key.id);
        let ack = context.publish(subject, body.into()).await.unwrap().await.unwrap();
        Position(ack.sequence)
    };
    let ours = store.append(&key, Position::ZERO, commit(&key, 1, 1)).await.unwrap();
    let places = [
        publish(b"\xff\xfe not json".to_vec()).await,
        publish(Vec::new()).await,
        publish(commit(&fresh_key(), 2, 1).to_vec()).await,
    ];

    let commits = history(&store, &key).await;

    assert_eq!(commits[0].position, ours);
    assert!(envelope::decode_commit(&key, &commits[0]).is_ok());
    for (commit, place) in commits[1..].iter().zip(places) {
        let CorruptCommit { key: of, position, .. } =
            envelope::decode_commit(&key, commit).unwrap_err();
        assert_eq!((of, position), (key.clone(), place));
    }
}

#[tokio::test]
async fn headers_of_a_foreign_message_do_not_mislead_the_reader() {
    let server = Server::start().await;
    let (store, key) = (store(&server, JetStreamOptions::default()).await, fresh_key());
    let mut forged = async_nats::HeaderMap::new();
    for name in [headers::SEQUENCE, headers::LAST_SEQUENCE, headers::NUM_PENDING] {
        forged.insert(name, "4711");
    }
    forged.insert(headers::TIME_STAMP, "never");
    let context = jetstream::new(server.client().await);
    for expected in 0..2 {
        let subject = Subject::event(&key.aggregate, &key.id);
        let published = context.publish_with_headers(subject, forged.clone(), "[]".into()).await;
        assert_eq!(published.unwrap().await.unwrap().sequence, expected + 1);
    }
    let commits = Pages::new(&store, &key, Start::WHOLE, Freshness::Any).rest().await.unwrap();
    let positions: Vec<_> = commits.iter().map(|commit| commit.position).collect();
    assert_eq!(positions, [Position(1), Position(2)]);
}
