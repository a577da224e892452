//! Streams of events: everything once and in order, over broken connections too.

use std::{collections::VecDeque, time::Duration};

use gateway::Limits;
use infrastructure::{
    histories::Histories,
    jetstream::{JetStreamOptions, JetStreamStore},
    store::{Store as _, StreamKey},
};
use kit::Position;
use serde_json::Value;
use tests::{LIMIT, eventually};
use tokio::time::timeout;

use crate::kit::{Socket, Stand, code, composition, hasty_writer};

/// One block of a stream.
#[derive(Debug, Default, Clone)]
struct Block {
    id: String,
    kind: String,
    data: Option<Value>,
}

/// A client that keeps what a browser's `EventSource` keeps.
struct Source {
    response: reqwest::Response,
    text: String,
    blocks: VecDeque<Block>,
    last_id: String,
}

impl Source {
    async fn open(stand: &Stand, path: &str, last_id: Option<&str>) -> Self {
        let mut request = stand.http.get(stand.serving.url() + path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), blocks: VecDeque::new(), last_id: String::new() }
    }

    /// The next block; none at the end.
    async fn block(&mut self) -> Option<Block> {
        while self.blocks.is_empty() {
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("something in time");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut read = Block::default();
                for line in block.lines() {
                    let (name, value) = line.split_once(':').unwrap();
                    match name {
                        "id" => value.trim().clone_into(&mut read.id),
                        "event" => value.trim().clone_into(&mut read.kind),
                        "data" => read.data = Some(serde_json::from_str(value).unwrap()),
                        _ => {}
                    }
                }
                self.blocks.push_back(read);
                self.text = rest.to_owned();
            }
        }
        let block = self.blocks.pop_front()?;
        self.last_id.clone_from(&block.id);
        Some(block)
    }

    /// The next event; none at the end.
    async fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.block().await?;
            if block.data.is_some() {
                return Some(block);
            }
        }
    }

    async fn versions(&mut self, count: usize) -> Vec<u64> {
        let mut versions = Vec::new();
        for _ in 0..count {
            let event = self.event().await.expect("the stream goes on");
            versions.push(event.data.unwrap()["version"].as_u64().unwrap());
        }
        versions
    }
}

#[tokio::test]
async fn events_come_from_the_start_and_as_they_happen() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let mut source = Source::open(&stand, "/v1/events?from=start", None).await;
    let first = source.event().await.unwrap();
    assert_eq!((first.id.as_str(), first.kind.as_str()), ("1.0", "person.person-created"));
    insta::assert_json_snapshot!("event", first.data.unwrap(), {
        ".event_id" => "[id]", ".command_id" => "[id]", ".command_hash" => "[hash]", ".time" => "[time]",
        ".correlation_id" => "[id]", ".request_id" => "[id]", ".data.**.id" => "[id]",
    });
    stand.tag("ada", "vip").await;
    assert_eq!(source.event().await.unwrap().kind, "person.tagged");
}

#[tokio::test]
async fn a_connection_that_is_killed_in_the_middle_costs_nothing() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let tags = (0..60).map(|at| stand.command("ada", "tag", format!(r#"{{"tag":"{at}"}}"#)).send());
    futures::future::try_join_all(tags).await.unwrap();
    let path = "/v1/events?from=start&aggregate=person";
    let mut source = Source::open(&stand, path, None).await;
    let mut versions = Vec::new();
    // Each connection is dropped after a few events, often inside of a commit.
    for took in [1, 2, 3, 5, 7, 11, 32] {
        versions.extend(source.versions(took).await);
        let last = source.last_id.clone();
        drop(source);
        source = Source::open(&stand, path, Some(&last)).await;
    }
    assert_eq!(versions, (1..=61).collect::<Vec<_>>());
    stand.tag("ada", "last").await;
    assert_eq!(source.versions(1).await, [62]);
}

#[tokio::test]
async fn a_broker_that_is_killed_costs_nothing_either() {
    let mut stand = Stand::start().await;
    stand.create("ada").await;
    let mut source = Source::open(&stand, "/v1/events?from=start", None).await;
    assert_eq!(source.versions(1).await, [1]);
    stand.server.kill9();
    stand.server.restart().await;
    eventually("commands are taken again", LIMIT, async || {
        let sent = stand.command("ada", "tag", r#"{"tag":"vip"}"#).header("idempotency-key", "t");
        (sent.send().await.unwrap().status() == 200).then_some(())
    })
    .await;
    let event = match source.event().await {
        Some(event) => event,
        None => {
            let last = source.last_id.clone();
            Source::open(&stand, "/v1/events?from=start", Some(&last)).await.event().await.unwrap()
        }
    };
    assert_eq!(event.data.unwrap()["version"], 2);
}

#[tokio::test]
async fn a_stream_that_was_silent_knows_where_it_was() {
    let limits = Limits { heartbeat: Duration::from_millis(200), ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.limited(limits)).await;
    stand.create("ada").await;
    let mut source = Source::open(&stand, "/v1/events", None).await;
    // Nothing but heartbeats, which carry the place.
    for _ in 0..3 {
        assert!(source.block().await.unwrap().data.is_none());
    }
    let last = source.last_id.clone();
    assert_eq!(last, "1");
    drop(source);
    stand.tag("ada", "vip").await;
    let mut source = Source::open(&stand, "/v1/events", Some(&last)).await;
    assert_eq!(source.versions(1).await, [2]);
}

#[tokio::test]
async fn a_stream_shows_what_it_was_asked_for() {
    let stand = Stand::start().await;
    for id in ["ada", "eve"] {
        stand.create(id).await;
        stand.tag(id, "vip").await;
    }
    for (filter, expected) in [
        ("aggregate=person", vec!["1.0", "2.0", "3.0", "4.0"]),
        ("aggregate=person&id=eve", vec!["3.0", "4.0"]),
        ("type=person.tagged", vec!["2.0", "4.0"]),
        (
            "type=person.tagged&type=person.person-created&aggregate=person&id=ada",
            vec!["1.0", "2.0"],
        ),
    ] {
        let path = format!("/v1/events?from=start&{filter}");
        let mut source = Source::open(&stand, &path, None).await;
        let mut ids = Vec::new();
        for _ in 0..expected.len() {
            ids.push(source.event().await.unwrap().id);
        }
        assert_eq!(ids, expected, "{filter}");
    }
    let mut source = Source::open(&stand, "/v1/events?from=2.0", None).await;
    assert_eq!(source.event().await.unwrap().id, "3.0");
    let mut source = Source::open(&stand, "/v1/events?from=3", Some("1.0")).await;
    assert_eq!(source.event().await.unwrap().id, "2.0", "the header counts");
}

#[tokio::test]
async fn what_a_stream_cannot_show_is_refused() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    for (query, status, expected) in [
        ("aggregate=nobody", 404, "unknown-aggregate"),
        ("aggregate=%3e", 404, "unknown-aggregate"),
        ("id=ada", 400, "invalid"),
        ("aggregate=person&id=a.b", 400, "invalid"),
        ("aggregate=person&id=*", 400, "invalid"),
        ("type=person.flown", 400, "invalid"),
        ("type=person", 400, "invalid"),
        ("type=nobody.created", 404, "unknown-aggregate"),
        ("from=tomorrow", 400, "invalid"),
        ("from=-1", 400, "invalid"),
        ("from=99", 400, "invalid"),
        ("from=1&from=2", 400, "invalid"),
        ("colour=red", 400, "invalid"),
    ] {
        let refused = code(stand.get(&format!("/v1/events?{query}")).await).await;
        assert_eq!(refused, (status, expected.into()), "{query}");
    }
    for bad in ["x", "1.x", "99.0"] {
        let ask = stand.http.get(stand.serving.url() + "/v1/events").header("last-event-id", bad);
        assert_eq!(code(ask.send().await.unwrap()).await, (400, "invalid".into()), "{bad}");
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_streams_and_the_next_one_is_told() {
    let limits = Limits { streams: 1, ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.limited(limits)).await;
    let source = Source::open(&stand, "/v1/events", None).await;
    let refused = stand.get("/v1/events").await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(code(refused).await, (503, "busy".into()));
    drop(source);
    eventually("its place is free", LIMIT, async || {
        (stand.get("/v1/events").await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_stands_still_is_ended_and_its_place_is_free() {
    let limits = Limits { streams: 1, ..hasty_writer() };
    let stand = Stand::start_as(|gateway| gateway.limited(limits)).await;
    stand.create("ada").await;
    // More than the sockets between the two hold.
    let connection = stand.server.client().await;
    let histories = Histories::open(connection.clone(), composition().aggregates()).await.unwrap();
    let page = histories.page("person", &"ada".parse().unwrap(), Position::ZERO).await.unwrap();
    let body = std::str::from_utf8(&page.commits[0].body).unwrap();
    let large = body.replace(r#""Ada""#, &format!("\"{}\"", "x".repeat(400_000)));
    let (one, other) = (connection.clone(), connection);
    let store = JetStreamStore::new(one, other, JetStreamOptions::default()).await.unwrap();
    for at in 0..40 {
        let id = format!("large-{at}").parse().unwrap();
        let key = StreamKey { aggregate: "person".into(), id };
        store.append(&key, Position::ZERO, large.clone().into()).await.unwrap();
    }
    let mut still = Socket::open(&stand.serving).await;
    still.write("GET /v1/events?from=start HTTP/1.1\r\nHost: x\r\n\r\n").await;
    still.until("text/event-stream").await;
    eventually("the place is free", LIMIT, async || {
        (stand.get("/v1/events").await.status() == 200).then_some(())
    })
    .await;
    drop(still);
}

#[tokio::test]
async fn streams_end_when_the_gateway_drains() {
    let stand = Stand::start().await;
    let mut source = Source::open(&stand, "/v1/events", None).await;
    let draining = tokio::spawn(stand.serving.drain());
    while source.block().await.is_some() {}
    timeout(LIMIT, draining).await.unwrap().unwrap();
}
