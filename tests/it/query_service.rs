//! Queries over NATS, what tools see of them, and leaving without losing one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, Message};
use bytes::Bytes;
use futures::StreamExt as _;
use infrastructure::{
    micro::Micro,
    problem::Problem,
    query::{Queries, QueryInfo},
    query_service::QueryService,
    wire,
};
use serde_json::Value;
use tests::{LIMIT, Server, eventually};
use tokio::time::timeout;

/// A read model that answers a query with its own parameters.
#[derive(Default)]
struct Mirror {
    asked: AtomicUsize,
}

impl Queries for Mirror {
    fn catalogue(&self) -> Vec<QueryInfo> {
        vec![QueryInfo { projection: "mirror", names: vec!["get", "list"] }]
    }

    async fn query(&self, _: &str, name: &str, body: Bytes) -> Result<Bytes, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match name {
            "get" => Ok(body),
            "huge" => Ok(vec![b'0'; 2 << 20].into()),
            _ => Err(Problem::unknown_query(format!("mirror has no query {name:?}"))),
        }
    }
}

struct Running {
    server: Server,
    client: Client,
    mirror: Arc<Mirror>,
    service: QueryService,
    _micro: Micro,
}

async fn start() -> Running {
    let server = Server::start().await;
    let (serving, client) = (server.client().await, server.client().await);
    let mirror = Arc::new(Mirror::default());
    let service = QueryService::start(serving.clone(), Arc::clone(&mirror)).await.unwrap();
    let micro = Micro::start(serving, "one".to_owned(), service.endpoints()).await.unwrap();
    Running { server, client, mirror, service, _micro: micro }
}

async fn ask(client: &Client, subject: &str, body: &'static [u8]) -> Message {
    client.request(subject.to_owned(), Bytes::from_static(body)).await.unwrap()
}

#[tokio::test]
async fn a_query_is_answered_and_a_bad_one_has_a_code() {
    let running = start().await;
    let answer = ask(&running.client, "query.mirror.get", b"{}").await;
    assert_eq!(wire::read_answer(answer), Ok(Bytes::from_static(b"{}")));
    let cases: [(&str, &'static [u8], u16, &str); 4] = [
        ("query.mirror.other", b"", 404, "unknown-query"),
        ("query.mirror.OTHER", b"", 404, "unknown-query"),
        ("query.mirror.get", &[b' '; 70_000], 413, "too-large"),
        ("query.mirror.huge", b"", 413, "too-large"),
    ];
    for (subject, body, status, code) in cases {
        let answer = ask(&running.client, subject, body).await;
        let problem = wire::read_answer(answer).unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{subject}");
    }
}

#[tokio::test]
async fn tools_see_the_endpoints_and_their_counts() {
    let running = start().await;
    ask(&running.client, "query.mirror.get", b"{}").await;
    ask(&running.client, "query.mirror.other", b"{}").await;
    let pong = ask(&running.client, "$SRV.PING.headwater.one", b"").await;
    let info = ask(&running.client, "$SRV.INFO.headwater", b"").await;
    let stats = ask(&running.client, "$SRV.STATS", b"").await;
    let read = |message: Message| serde_json::from_slice::<Value>(&message.payload).unwrap();
    insta::assert_json_snapshot!([read(pong), read(info), read(stats)], {
        "[].version" => "[version]",
        "[].started" => "[time]",
        "[].endpoints[].processing_time" => "[nanoseconds]",
        "[].endpoints[].average_processing_time" => "[nanoseconds]",
    });
}

#[tokio::test]
async fn an_answer_never_goes_to_a_subject_of_the_service() {
    let running = start().await;
    let mut events = running.client.subscribe("event.>").await.unwrap();
    let body = Bytes::from_static(b"{}");
    running.client.publish_with_reply("query.mirror.get", "event.person.ada", body).await.unwrap();
    // Answered after the one before it, had that been answered at all.
    ask(&running.client, "query.mirror.get", b"{}").await;
    assert_eq!(running.mirror.asked.load(Ordering::Relaxed), 1);
    running.service.drain().await;
    assert!(timeout(Duration::ZERO, events.next()).await.is_err());
}

#[tokio::test]
async fn leaving_under_load_loses_no_query() {
    let running = start().await;
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let client = running.client.clone();
            tokio::spawn(async move {
                let mut answered = 0;
                // Until nobody takes queries any more: the only end that is not an error.
                while client
                    .request("query.mirror.get", Bytes::from_static(b"{}"))
                    .await
                    .map(|_| answered += 1)
                    .map_err(|error| {
                        let kind = error.kind();
                        assert_eq!(kind, async_nats::RequestErrorKind::NoResponders, "{error}");
                    })
                    .is_ok()
                {}
                answered
            })
        })
        .collect();
    let asked = Arc::clone(&running.mirror);
    let busy = async || (asked.asked.load(Ordering::Relaxed) > 1000).then_some(());
    eventually("queries under way", LIMIT, busy).await;
    running.service.drain().await;
    let mut answered = 0;
    for each in asking {
        answered += each.await.unwrap();
    }
    assert_eq!(answered, running.mirror.asked.load(Ordering::Relaxed));
    drop(running.server);
}
