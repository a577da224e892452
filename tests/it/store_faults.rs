//! Answers that get lost or come late: each append ends in exactly one landing, or surely in none.

use std::time::Duration;

use async_nats::jetstream;
use futures::{StreamExt as _, TryStreamExt, join, stream::FuturesUnordered};
use infrastructure::{
    connection::{ConnectOptions, connect},
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    provision::{ProvisionOptions, provision},
    settle::settle,
    store::{AppendError, Freshness, Pages, Start, Store, StreamKey},
};
use kit::Position;
use nats::names;
use tests::{
    Cluster, Direction, Flow, LIMIT, Proxy, Server, eventually,
    store_contract::{commit, fresh_key, history},
};
use tokio::time::Instant;

/// A store whose appends go through a proxy, and one that goes straight to the server.
struct Line {
    server: Server,
    proxy: Proxy,
    through: JetStreamStore,
    direct: JetStreamStore,
}

impl Line {
    /// Through which an append soon gives up.
    async fn start() -> Self {
        let append_timeout = Duration::from_millis(300);
        Self::with(JetStreamOptions { append_timeout, ..JetStreamOptions::default() }).await
    }

    async fn with(options: JetStreamOptions) -> Self {
        let server = Server::start().await;
        let straight = server.client().await;
        provision(&straight, &ProvisionOptions::default()).await.unwrap();
        let proxy = Proxy::start(server.address()).await;
        let proxied = connect(&ConnectOptions::new(proxy.url())).await.unwrap();
        let through = JetStreamStore::new(proxied, straight.clone(), options).await.unwrap();
        let patient = JetStreamOptions::default();
        let direct = JetStreamStore::new(straight.clone(), straight, patient).await.unwrap();
        Self { server, proxy, through, direct }
    }

    /// What was under way on the proxied connection has arrived once a later append is answered.
    async fn all_arrived(&self) {
        eventually("the connection works", LIMIT, async || {
            // One that came too late is in the way of its own repetition.
            let key = fresh_key();
            self.through.append(&key, Position::ZERO, commit(&key, 1, 1)).await.ok()
        })
        .await;
    }
}

fn soon() -> Instant {
    Instant::now() + LIMIT
}

fn unanswered(answer: &Result<Position, AppendError>) {
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_acknowledgement_is_lost_the_commit_is_found_and_lands_once() {
    let (line, key) = (Line::start().await, fresh_key());
    let body = commit(&key, 1, 2);
    line.all_arrived().await;
    line.proxy.set(Direction::ToClient, Flow::Dropped);
    unanswered(&line.through.append(&key, Position::ZERO, body.clone()).await);

    let settled = settle(&line.through, &key, Position::ZERO, &body, soon()).await;

    let commits = history(&line.direct, &key).await;
    assert_eq!(commits.len(), 1);
    assert_eq!((settled, &commits[0].body), (Ok(commits[0].position), &body));
    line.proxy.cut();
    line.proxy.set(Direction::ToClient, Flow::Open);
    line.all_arrived().await;
    assert_eq!(history(&line.direct, &key).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_is_repeated_settles_nothing() {
    let (line, key) = (Line::start().await, fresh_key());
    let mut acknowledgements = line.server.client().await.subscribe("_INBOX.>").await.unwrap();
    line.server.client().await.flush().await.unwrap();
    line.all_arrived().await;
    let repeated = eventually("an append is acknowledged", LIMIT, async || {
        acknowledgements.next().await.filter(|each| each.payload.starts_with(br#"{"stream""#))
    })
    .await;
    line.proxy.set(Direction::ToServer, Flow::Paused);
    let append = line.through.append(&key, Position::ZERO, commit(&key, 1, 1));
    let repeat = async {
        let other = line.server.client().await;
        other.publish(repeated.subject, repeated.payload).await.unwrap();
        other.flush().await.unwrap();
    };
    let (answer, ()) = join!(append, repeat);
    unanswered(&answer);
    line.proxy.set(Direction::ToServer, Flow::Open);
    line.all_arrived().await;
    let commits = history(&line.direct, &key).await;
    assert_eq!(commits.len(), 1, "it was under way all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_arrives_after_it_was_settled_does_not_land_again() {
    let (line, key) = (Line::start().await, fresh_key());
    let body = commit(&key, 1, 1);
    line.all_arrived().await;
    line.proxy.set(Direction::ToServer, Flow::Paused);
    unanswered(&line.through.append(&key, Position::ZERO, body.clone()).await);
    assert_eq!(history(&line.direct, &key).await, [], "it is still under way");

    let settled = settle(&line.direct, &key, Position::ZERO, &body, soon()).await;
    line.proxy.set(Direction::ToServer, Flow::Open);
    line.all_arrived().await;

    let commits = history(&line.direct, &key).await;
    assert_eq!(commits.len(), 1);
    assert_eq!(settled, Ok(commits[0].position));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_arrives_after_another_took_its_place_never_lands() {
    let (line, key) = (Line::start().await, fresh_key());
    let (body, other) = (commit(&key, 1, 1), commit(&key, 1, 1));
    line.all_arrived().await;
    line.proxy.set(Direction::ToServer, Flow::Paused);
    unanswered(&line.through.append(&key, Position::ZERO, body.clone()).await);
    line.direct.append(&key, Position::ZERO, other.clone()).await.unwrap();

    let settled = settle(&line.direct, &key, Position::ZERO, &body, soon()).await;
    line.proxy.set(Direction::ToServer, Flow::Open);
    line.all_arrived().await;

    assert_eq!(settled, Err(AppendError::Conflict));
    let bodies: Vec<_> =
        history(&line.direct, &key).await.into_iter().map(|commit| commit.body).collect();
    assert_eq!(bodies, [other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_answers_come_back_in_time_but_slowly_nothing_is_unknown() {
    let (line, key) = (Line::with(JetStreamOptions::default()).await, fresh_key());
    line.all_arrived().await;
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
