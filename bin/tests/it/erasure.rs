//! An erasure whose processes are killed before and while the key is destroyed, with the built binary.

use async_nats::jetstream::{self, stream::Config};
use infrastructure::{
    client::Client,
    handler::{HandlerReport, HandlerState, report},
    request::{CommandRequest, Reply},
};
use serde_json::{Value, json};
use tests::{LIMIT, Server, Service, eventually};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");

async fn send(client: &Client, id: &str, name: &str, body: &Value) -> Reply {
    let id = id.parse().unwrap();
    let request = CommandRequest::new("design", id, name, body.to_string()).identified();
    client.send(&request).await.unwrap()
}

/// What stands in the place of the key.
async fn key(client: &Client, id: &str) -> Option<String> {
    let keys = jetstream::new(client.connection().clone()).get_key_value("KEYS").await.unwrap();
    let value = keys.get(format!("design.{id}")).await.unwrap()?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

/// Waits until what is known of the effect that destroys keys `is` so.
async fn destroyer(client: &Client, what: &str, is: impl Fn(&HandlerReport) -> bool) {
    eventually(what, LIMIT, async || {
        let reports = report(client.connection()).await.ok()?;
        let destroyer = reports.into_iter().find(|report| report.name == "destroy-keys")?;
        is(&destroyer).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_is_destroyed_by_whoever_comes_though_those_before_were_killed_behind_the_event() {
    let server = Server::start().await;
    let url = server.url();
    let client = Client::new(server.client().await);
    // This one dies between the key and the mark in its place, for which there is no room.
    let mut first = Service::start(BINARY, url, &["--instance", "one"]).await;
    let context = jetstream::new(client.connection().clone());
    let bucket = context.get_stream("KV_KEYS").await.unwrap().cached_info().config.clone();
    send(&client, "ada", "create-request", &json!({"email": "ada@example.org"})).await;
    context.update_stream(Config { max_message_size: 16, ..bucket.clone() }).await.unwrap();
    send(&client, "ada", "erase-personal-data", &json!({})).await;
    destroyer(&client, "it cannot say that the key is destroyed", |destroyer| {
        matches!(destroyer.state, Some(HandlerState::Retrying { .. }))
    })
    .await;
    first.kill9().await;
    assert_eq!(key(&client, "ada").await, None, "the key is gone");
    context.update_stream(bucket).await.unwrap();

    // And this one, which knows of no effect, between the event and whatever follows from it.
    let commands = ["--instance", "two", "--roles", "commands"];
    let mut second = Service::start(BINARY, url, &commands).await;
    send(&client, "bob", "create-request", &json!({"email": "bob@example.org"})).await;
    let last = send(&client, "bob", "erase-personal-data", &json!({})).await;
    second.kill9().await;
    let whole = key(&client, "bob").await.unwrap();
    assert!(!whole.contains("\"destroyed\""), "{whole}");

    let mut third = Service::start(BINARY, url, &["--instance", "three"]).await;
    destroyer(&client, "the events are done with", |it| it.position >= last.position).await;
    for id in ["ada", "bob"] {
        let mark = key(&client, id).await.unwrap();
        assert!(mark.contains("\"destroyed\""), "{mark}");
    }
    assert!(third.stop().await);
}
