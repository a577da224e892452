//! Commands over HTTP: the same rules as over NATS, in HTTP's words.

mod refusals;

use std::sync::Arc;

use axum::{
    extract::Request,
    middleware::{Next, from_fn},
};
use serde_json::Value;
use tests::{LIMIT, eventually};
use tokio::{sync::Notify, time::timeout};

use crate::kit::{CREATE, Stand, code, json, serve};

fn snapshot(name: &str, value: &Value) {
    insta::assert_json_snapshot!(name, value, {
        ".events[].id" => "[id]",
        ".command_id" => "[id]",
        ".request_id" => "[id]",
        ".time" => "[time]",
        ".reply.events[].id" => "[id]",
    });
}

#[tokio::test]
async fn a_command_is_answered_with_its_version_as_a_tag() {
    let stand = Stand::start().await;
    let created = stand.command("ada", "create-person", CREATE).send().await.unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(created.headers()["etag"], "\"1\"");
    assert_eq!(created.headers()["location"], "/v1/aggregates/person/ada");
    assert_eq!(created.headers()["command-id"].len(), 36);
    snapshot("created", &json(created).await);
    let tagged = stand.command("ada", "tag", r#"{"tag":"vip"}"#).send().await.unwrap();
    assert_eq!(
        (tagged.status(), &tagged.headers()["etag"]),
        (200.try_into().unwrap(), &"\"2\"".parse().unwrap())
    );
    assert!(!tagged.headers().contains_key("location"));
    let again = stand.command("ada", "tag", r#"{"tag":"vip"}"#).send().await.unwrap();
    assert_eq!(again.headers()["etag"], "\"2\"");
    snapshot("unchanged", &json(again).await);
}

#[tokio::test]
async fn a_key_is_carried_out_once_whatever_it_looks_like() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let long = "k".repeat(3000);
    let time = "0192b0c0-0000-7000-8000-000000000001";
    for (at, key) in ["a.b *>", &long, time, "\"quoted\""].into_iter().enumerate() {
        let tag = || {
            let body = format!(r#"{{"tag":"t{at}"}}"#);
            stand.command("ada", "tag", body).header("idempotency-key", key).send()
        };
        let first = tag().await.unwrap();
        let id = first.headers()["command-id"].clone();
        let first = json(first).await;
        let again = tag().await.unwrap();
        assert_eq!(again.headers()["command-id"], id, "{key}");
        let again = json(again).await;
        assert_eq!((&first["status"], &again["status"]), (&"committed".into(), &"replayed".into()));
        assert_eq!(first["events"], again["events"]);
    }
    let other = stand.command("ada", "tag", r#"{"tag":"other"}"#);
    let reused = other.header("idempotency-key", "a.b *>").send().await.unwrap();
    assert_eq!(code(reused).await, (409, "id-reused".into()));
    // For another aggregate the same key is another one.
    let eve = stand.command("eve", "create-person", CREATE).header("idempotency-key", "a.b *>");
    assert_eq!(eve.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_key_that_was_made_for_the_client_repeats_its_command() {
    let stand = Stand::start().await;
    let first = stand.command("ada", "create-person", CREATE).send().await.unwrap();
    let key = first.headers()["idempotency-key"].clone();
    let again = stand.command("ada", "create-person", CREATE).header("idempotency-key", key);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), 201, "told again as it was told first");
    assert!(!again.headers().contains_key("idempotency-key"));
    assert_eq!(json(again).await["status"], "replayed");
}

#[tokio::test]
async fn a_precondition_holds_or_nothing_happens() {
    let stand = Stand::start().await;
    let create = |name: &'static str, value: &'static str| {
        stand.command("ada", "create-person", CREATE).header(name, value).send()
    };
    let failed = (412, "wrong-version".to_owned());
    assert_eq!(code(create("if-match", "*").await.unwrap()).await, failed);
    assert_eq!(stand.end().await, 0);
    assert_eq!(create("if-none-match", "*").await.unwrap().status(), 201);
    assert_eq!(code(create("if-none-match", "*").await.unwrap()).await, failed);
    let tag = |tag: &'static str, value: &'static str| {
        let body = format!(r#"{{"tag":"{tag}"}}"#);
        stand.command("ada", "tag", body).header("if-match", value).send()
    };
    for (name, holds) in [("a", "\"1\""), ("b", "*"), ("c", "\"9\", \"3\"")] {
        assert_eq!(tag(name, holds).await.unwrap().status(), 200, "{holds}");
    }
    for fails in ["\"1\"", "W/\"4\"", "\"x\"", "\"04\"", "\"7\", \"8\""] {
        assert_eq!(code(tag("z", fails).await.unwrap()).await, failed, "{fails}");
    }
    let end = stand.end().await;
    for bad in ["4", "\"4", "*, \"4\"", "W/4"] {
        assert_eq!(code(tag("z", bad).await.unwrap()).await, (400, "invalid".into()), "{bad}");
    }
    assert_eq!(code(create("if-none-match", "\"4\"").await.unwrap()).await.0, 400);
    assert_eq!(stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn who_does_not_wait_is_told_where_to_ask() {
    let stand = Stand::start().await;
    let later = |name: &str, body: &'static str| {
        let command = stand.command("ada", name, body).header("prefer", "respond-async");
        command.header("idempotency-key", "once").send()
    };
    let taken = later("create-person", CREATE).await.unwrap();
    assert_eq!(taken.status(), 202);
    assert_eq!(taken.headers()["preference-applied"], "respond-async");
    let place = taken.headers()["location"].to_str().unwrap().to_owned();
    snapshot("taken", &json(taken).await);
    let outcome = eventually("it is carried out", LIMIT, async || {
        let outcome = json(stand.get(&place).await).await;
        (outcome["status"] != "pending").then_some(outcome)
    })
    .await;
    snapshot("outcome", &outcome);
    // The same key without patience and with it is the same command.
    let now = stand.command("ada", "create-person", CREATE).header("idempotency-key", "once");
    assert_eq!(json(now.send().await.unwrap()).await["status"], "replayed");
    assert_eq!(code(later("fly", "{}").await.unwrap()).await, (404, "unknown-command".into()));
    assert_eq!(code(later("tag", "{").await.unwrap()).await, (400, "invalid".into()));
    let none = stand.get("/v1/commands/0192b0c0-0000-7000-8000-000000000001").await;
    assert_eq!(code(none).await, (404, "not-found".into()));
    assert_eq!(code(stand.get("/v1/commands/a%20b").await).await, (400, "invalid".into()));
}

#[tokio::test]
async fn without_a_service_a_command_is_unavailable_and_says_when_to_come_again() {
    let server = tests::Server::start().await;
    let serving = serve(&server, |gateway| gateway).await;
    let url = format!("{}/v1/commands/person/ada/create-person", serving.url());
    let post = crate::kit::http().post(url).header("content-type", "application/json");
    let away = post.body(CREATE).send().await.unwrap();
    assert_eq!(away.headers()["retry-after"], "1");
    assert_eq!(code(away).await, (503, "unavailable".into()));
}

#[tokio::test]
async fn any_gateway_repeats_what_another_has_sent() {
    let stand = Stand::start().await;
    let second = serve(&stand.server, |gateway| gateway).await;
    let send = |url: String| {
        let url = format!("{url}/v1/commands/person/ada/create-person");
        let post = stand.http.post(url).header("content-type", "application/json");
        post.header("idempotency-key", "k").body(CREATE).send()
    };
    assert_eq!(json(send(stand.serving.url()).await.unwrap()).await["status"], "committed");
    let again = json(send(second.url()).await.unwrap()).await;
    assert_eq!(again["status"], "replayed");
    assert_eq!(stand.end().await, 1);
}

#[tokio::test]
async fn a_command_in_flight_is_answered_while_the_gateway_drains() {
    let begun = Arc::new(Notify::new());
    let tell = Arc::clone(&begun);
    let watch = from_fn(move |request: Request, next: Next| {
        tell.notify_one();
        next.run(request)
    });
    let stand = Stand::start_as(|gateway| gateway.guarded(|routes| routes.layer(watch))).await;
    stand.create("ada").await;
    timeout(LIMIT, begun.notified()).await.unwrap();
    // The server holds the command up until it goes on.
    stand.server.pause();
    let sent = stand.command("ada", "tag", r#"{"tag":"vip"}"#).header("prefer", "wait=25");
    let sent = tokio::spawn(sent.send());
    timeout(LIMIT, begun.notified()).await.unwrap();
    let url = stand.serving.url();
    let draining = tokio::spawn(stand.serving.drain());
    eventually("nothing more is accepted", LIMIT, async || {
        stand.http.get(format!("{url}/healthz")).send().await.is_err().then_some(())
    })
    .await;
    assert!(!sent.is_finished() && !draining.is_finished());
    stand.server.resume();
    let answer = sent.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    draining.await.unwrap();
    stand.runtime.drain().await;
}
