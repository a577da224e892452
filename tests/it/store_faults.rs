//! Answers that are repeated or come late, and leaders that die, beyond what every store promises.

use std::time::Duration;

use async_nats::jetstream;
use futures::{StreamExt as _, TryStreamExt, join, stream::FuturesUnordered};
use infrastructure::{
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    provision::{ProvisionOptions, provision},
    settle::settle,
    store::{AppendError, Freshness, Pages, Start, Store, StreamKey},
};
use kit::Position;
use nats::names;
use serde_json::Value;
use tests::{
    Cluster, Direction, Flow, LIMIT, ProxiedLine, Server, eventually,
    store_contract::{commit, fresh_key, history},
};
use tokio::time::Instant;

/// A line to a server of its own, through which an append soon gives up, or as `options` say.
async fn line(options: Option<JetStreamOptions>) -> (Server, ProxiedLine) {
    let server = Server::start().await;
    let straight = server.client().await;
    provision(&straight, &ProvisionOptions::default()).await.unwrap();
    let line = match options {
        Some(options) => ProxiedLine::with(&server, straight, options).await,
        None => ProxiedLine::start(&server, straight).await,
    };
    (server, line)
}

fn soon() -> Instant {
    Instant::now() + LIMIT
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_is_repeated_settles_nothing() {
    let (server, line) = line(None).await;
    let (key, listener) = (fresh_key(), server.client().await);
    let mut acknowledgements = listener.subscribe("_INBOX.>").await.unwrap();
    listener.flush().await.unwrap();
    let position = eventually("an append is acknowledged", LIMIT, async || {
        let key = fresh_key();
        line.through.append(&key, Position::ZERO, commit(&key, 1, 1)).await.ok()
    })
    .await;
    let repeated = eventually("its acknowledgement is seen", LIMIT, async || {
        let message = acknowledgements.next().await?;
        let said: Value = serde_json::from_slice(&message.payload).ok()?;
        (said["seq"] == position.0).then_some(message)
    })
    .await;
    line.proxy.set(Direction::ToServer, Flow::Paused);
    let append = line.through.append(&key, Position::ZERO, commit(&key, 1, 1));
    let repeat = async {
        let other = server.client().await;
        other.publish(repeated.subject, repeated.payload).await.unwrap();
        other.flush().await.unwrap();
    };
    let (answer, ()) = join!(append, repeat);
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
    line.proxy.set(Direction::ToServer, Flow::Open);
    line.all_arrived().await;
    let commits = history(&line.direct, &key).await;
    assert_eq!(commits.len(), 1, "it was under way all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_answers_come_back_in_time_but_slowly_nothing_is_unknown() {
    let ((_server, line), key) = (line(Some(JetStreamOptions::default())).await, fresh_key());
    line.proxy.set(Direction::ToClient, Flow::Delayed(Duration::from_millis(20)));
    let mut last = Position::ZERO;
    for version in 1..=5 {
        last = line.through.append(&key, last, commit(&key, version, 1)).await.unwrap();
    }
    assert_eq!(history(&line.direct, &key).await.len(), 5);
}

/// Reads, counts on and appends until `times` commits are surely its own.
async fn count_on(store: JetStreamStore, key: StreamKey, times: usize) {
    let mut done = 0;
    while done < times {
        let Ok(seen) = Pages::new(&store, &key, Start::WHOLE, Freshness::Leader).rest().await
        else {
            continue;
        };
        let last = seen.last().map_or(Position::ZERO, |commit| commit.position);
        let next = seen.last().map_or(0, |commit| version(&commit.body)) + 1;
        let body = commit(&key, next, 1);
        let mut answer = store.append(&key, last, body.clone()).await;
        if matches!(answer, Err(AppendError::Unknown(_))) {
            answer = settle(&store, &key, last, &body, soon()).await;
        }
        match answer {
            Ok(_) => done += 1,
            Err(error) => {
                let again = matches!(error, AppendError::Conflict | AppendError::Refused(_));
                assert!(again, "{error}");
            }
        }
    }
}

fn version(body: &[u8]) -> u64 {
    envelope::decode(body).unwrap()[0].version.0
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_leader_is_killed_no_writer_loses_an_update_or_writes_it_twice() {
    const WRITERS: usize = 4;
    const EACH: usize = 25;
    let mut cluster = Cluster::start(3).await;
    let client = cluster.client().await;
    let replicated = ProvisionOptions { replicas: 3, ..ProvisionOptions::default() };
    provision(&client, &replicated).await.unwrap();
    let limit = Duration::from_millis(500);
    let hasty = JetStreamOptions {
        append_timeout: limit,
        read_timeout: limit,
        ..JetStreamOptions::default()
    };
    let (writers, key) = (FuturesUnordered::new(), fresh_key());
    for _ in 0..WRITERS {
        let (append, read) = (cluster.client().await, cluster.client().await);
        let store = JetStreamStore::new(append, read, hasty.clone()).await.unwrap();
        writers.push(tokio::spawn(count_on(store, key.clone(), EACH)));
    }
    let store = JetStreamStore::new(client.clone(), client.clone(), hasty).await.unwrap();
    eventually("the writers are in the midst of it", LIMIT, async || {
        let commits = Pages::new(&store, &key, Start::WHOLE, Freshness::Any).rest().await.ok()?;
        (commits.len() > WRITERS * EACH / 4).then_some(())
    })
    .await;

    let stream = jetstream::new(client).get_stream(names::EVENTS).await.unwrap();
    let leader = stream.cached_info().cluster.clone().unwrap().leader.unwrap();
    let node = (0..3).find(|node| leader == format!("node-{node}")).unwrap();
    cluster.nodes[node].kill9();
    writers.try_collect::<Vec<()>>().await.unwrap();

    let commits = eventually("the history can be read", LIMIT, async || {
        Pages::new(&store, &key, Start::WHOLE, Freshness::Leader).rest().await.ok()
    })
    .await;
    let versions: Vec<u64> = commits.iter().map(|commit| version(&commit.body)).collect();
    assert_eq!(versions, (1..).take(WRITERS * EACH).collect::<Vec<u64>>());
}
