//! Commands over HTTP: the same rules as over NATS, in HTTP's words.

use std::sync::Arc;

use axum::{
    extract::Request,
    middleware::{Next, from_fn},
};
use infrastructure::problem::Problem;
use serde_json::Value;
use tests::{LIMIT, eventually};
use tokio::{sync::Notify, time::timeout};

use crate::kit::{CREATE, Stand, code, json, problem, serve};

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
async fn what_is_wrong_has_the_services_own_code() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let end = stand.end().await;
    let post = |path: &str, body: &str| {
        let url = format!("{}/v1/commands/{path}", stand.serving.url());
        let post = stand.http.post(url).header("content-type", "application/json");
        post.body(body.to_owned()).send()
    };
    for (path, body, status, expected) in [
        ("nobody/ada/tag", "{}", 404, "unknown-aggregate"),
        ("person/ada/fly", "{}", 404, "unknown-command"),
        ("person/ada/tag", "{", 400, "invalid"),
        ("person/ada/tag", "", 400, "invalid"),
        ("person/ada/tag", r#"{"tag":"a","more":1}"#, 400, "invalid"),
        (
            "person/ada/remove-contact",
            r#"{"contact_id":"none","forced":false}"#,
            422,
            "contact-not-found",
        ),
        ("person/a%2eb/tag", "{}", 400, "invalid"),
        ("person/a%0d%0aX:%20y/tag", "{}", 400, "invalid"),
        ("person/%2e%2e%2f%2a/tag", "{}", 400, "invalid"),
        ("person/%3e/tag", "{}", 400, "invalid"),
        ("person/%ff/tag", "{}", 400, "invalid"),
        ("person/%C3%A4/tag", "{}", 400, "invalid"),
        ("person.ada/x/tag", "{}", 400, "invalid"),
        ("%2a/ada/tag", "{}", 400, "invalid"),
        ("person/ada/add.tag", "{}", 400, "invalid"),
        ("person/ada/%3e", "{}", 400, "invalid"),
        ("person/ada", "{}", 404, "unknown-route"),
        ("person/ada/tag/more", "{}", 404, "unknown-route"),
    ] {
        let (status_was, body_was) = problem(post(path, body).await.unwrap()).await;
        assert_eq!(
            (status_was, body_was["code"].as_str()),
            (status, Some(expected)),
            "{path} {body_was}"
        );
    }
    let long = format!("person/{}/tag", "x".repeat(129));
    assert_eq!(code(post(&long, "{}").await.unwrap()).await, (400, "invalid".into()));
    let large = format!(r#"{{"tag":"{}"}}"#, "x".repeat(10 * 1024 * 1024));
    let refused = post("person/ada/tag", &large).await.unwrap();
    assert_eq!(code(refused).await, (413, "too-large".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
    let refused = stand.command("ada", "remove-contact", r#"{"contact_id":"none","forced":false}"#);
    let (_, mut body) = problem(refused.send().await.unwrap()).await;
    body["request_id"] = "[id]".into();
    insta::assert_json_snapshot!("refused", body);
}

#[tokio::test]
async fn what_is_not_json_is_not_guessed_at() {
    let stand = Stand::start().await;
    let url = format!("{}/v1/commands/person/ada/create-person", stand.serving.url());
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "json"] {
        let sent = stand.http.post(&url).header("content-type", kind).body(CREATE).send();
        let refused = code(sent.await.unwrap()).await;
        assert_eq!(refused, (415, "unsupported-media-type".into()), "{kind}");
    }
    let sent = stand.http.post(&url).body(CREATE).send();
    assert_eq!(code(sent.await.unwrap()).await.0, 415);
    let kind = "application/merge-patch+json; charset=utf-8";
    let sent = stand.http.post(&url).header("content-type", kind).body(CREATE).send();
    assert_eq!(sent.await.unwrap().status(), 201);
}

#[tokio::test]
async fn headers_travel_with_the_command_or_are_refused() {
    let stand = Stand::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = stand
        .command("ada", "create-person", CREATE)
        .header("x-request-id", "web-7")
        .header("x-correlation-id", "tour 1")
        .header("traceparent", trace);
    assert_eq!(sent.send().await.unwrap().headers()["x-request-id"], "web-7");
    let history = json(stand.get("/v1/aggregates/person/ada/events").await).await;
    let event = &history["events"][0];
    assert_eq!(
        (&event["request_id"], &event["correlation_id"]),
        (&"web-7".into(), &"tour 1".into())
    );
    assert!(event["traceparent"].as_str().unwrap().starts_with(&trace[..35]), "{event}");
    let end = stand.end().await;
    let long = "x".repeat(257);
    let bad: [(&str, &[u8]); 9] = [
        ("x-correlation-id", "ä".as_bytes()),
        ("x-correlation-id", b"a\tb"),
        ("x-correlation-id", b""),
        ("x-correlation-id", long.as_bytes()),
        ("idempotency-key", b""),
        ("deadline", b"tomorrow"),
        ("prefer", b"wait=soon"),
        ("prefer", b"\xff"),
        ("if-match", b"\xff"),
    ];
    for (name, value) in bad {
        let sent = stand.command("ada", "tag", r#"{"tag":"x"}"#).header(name, value);
        let refused = code(sent.send().await.unwrap()).await;
        assert_eq!(refused, (400, "invalid".into()), "{name} {value:?}");
    }
    let twice = stand.command("ada", "tag", "{}");
    let twice = twice.header("idempotency-key", "a").header("idempotency-key", "b");
    assert_eq!(code(twice.send().await.unwrap()).await, (400, "invalid".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_one_over_http_too() {
    let stand = Stand::start().await;
    let late = stand.command("ada", "create-person", CREATE);
    let late = late.header("deadline", "2020-01-01T00:00:00Z").send().await.unwrap();
    assert_eq!(code(late).await, (504, "deadline".into()));
    let waits = stand.command("ada", "create-person", CREATE).header("prefer", "wait=20");
    let waits = waits.send().await.unwrap();
    assert_eq!(
        (waits.status().as_u16(), &waits.headers()["preference-applied"]),
        (201, &"wait=20".parse().unwrap())
    );
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
async fn a_command_with_a_parameter_that_nobody_reads_is_not_carried_out() {
    let stand = Stand::start().await;
    let end = stand.end().await;
    for wish in ["dry_run=true", "expected_version=7", "dry_run=true&expected_version=7", "=", "x"]
    {
        let url = format!("{}/v1/commands/person/ada/create-person?{wish}", stand.serving.url());
        for prefer in ["respond-async", "wait=10"] {
            let post = stand.http.post(&url).header("content-type", "application/json");
            let refused = post.header("prefer", prefer).body(CREATE).send().await.unwrap();
            assert_eq!(code(refused).await, (400, "invalid".into()), "{wish} {prefer}");
        }
    }
    let place = "/v1/commands/0192b0c0-0000-7000-8000-000000000001?wait=1";
    assert_eq!(code(stand.get(place).await).await, (400, "invalid".into()));
    assert_eq!(stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn the_fields_of_a_command_are_not_taken_from_an_array() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    let array = stand.command("ada", "tag", r#"["vip"]"#).send().await.unwrap();
    assert_eq!(code(array).await, (400, "invalid".into()));
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

#[test]
fn a_problem_of_the_service_and_one_of_the_gateway_never_share_a_code() {
    for (status, code, _) in gateway::Fault::ALL {
        let service = Problem::ALL.iter().find(|(_, other, _)| other == code);
        // A version that does not fit has in HTTP a status of its own, and stays what it is.
        assert!(service.is_none() || *code == "wrong-version", "{status} {code}");
    }
}
