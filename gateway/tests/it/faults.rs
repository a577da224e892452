//! Every refusal that only the gateway has, and the general ones of the service: one request for each, and
//! one form for all answers.

use std::{future::pending, time::Duration};

use axum::{
    Router,
    body::Bytes,
    routing::{any, get, post},
};
use chrono::Utc;
use gateway::{
    Fault, Gateway, Limits,
    access::{Access, AccessFile, AccessOptions, ApiKey, KeyEntry, Origins, Rate},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::kit::{Socket, Stand, serve};

/// A request without its end, and the status and the code that it is answered with.
type Case<'a> = (u16, &'a str, String);

fn routes() -> Router {
    Router::new()
        .route("/sink", post(async |body: Bytes| body.len().to_string()))
        .route("/never", any(pending::<()>))
        .route("/broken", get(async || -> &'static str { panic!("on purpose") }))
}

fn get_of(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

fn post_of(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
         {headers}\r\n{body}"
    )
}

const JSON: &str = "Content-Type: application/json\r\n";
const TAG: &str = "/v1/commands/person/nobody/tag";

/// Requests that a gateway within its usual bounds refuses.
fn usual() -> Vec<Case<'static>> {
    let long = |bytes: usize| "x".repeat(bytes);
    let insisting = format!("{JSON}If-Match: *\r\n");
    let announced = "POST /sink HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
        Content-Length: 10485760\r\n\r\n";
    vec![
        (400, "invalid", post_of(TAG, JSON, "{")),
        (404, "unknown-route", get_of("/nowhere", "")),
        (404, "unknown-aggregate", post_of("/v1/commands/nobody/ada/tag", JSON, "{}")),
        (404, "unknown-command", post_of("/v1/commands/person/ada/fly", JSON, "{}")),
        (404, "unknown-query", get_of("/v1/people/nothing", "")),
        (404, "not-found", get_of("/v1/aggregates/person/nobody", "")),
        (404, "not-found", post_of(TAG, JSON, r#"{"tag":"vip"}"#)),
        (405, "method-not-allowed", get_of("/sink", "")),
        (412, "wrong-version", post_of(TAG, &insisting, r#"{"tag":"vip"}"#)),
        (413, "too-large", announced.to_owned()),
        (414, "uri-too-long", get_of(&format!("/healthz?{}", long(20_000)), "")),
        (415, "unsupported-media-type", post_of(TAG, "Content-Type: text/plain\r\n", "{}")),
        (431, "headers-too-large", get_of("/healthz", &format!("Cookie: {}\r\n", long(40_000)))),
        (500, "internal", get_of("/broken", "")),
        (
            504,
            "deadline",
            post_of(TAG, &format!("{JSON}Deadline: 2020-01-01T00:00:00Z\r\n"), r#"{"tag":"vip"}"#),
        ),
    ]
}

/// Requests that a gateway with these bounds refuses.
fn bounded() -> Vec<(Limits, Case<'static>)> {
    let soon = Duration::from_millis(100);
    let slow_body = Limits { body_timeout: soon, ..Limits::default() };
    let slow_answer = Limits { request_timeout: soon, ..Limits::default() };
    let full = Limits { requests: 0, ..Limits::default() };
    let streams = Limits { streams: 0, ..Limits::default() };
    let trickled = "POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1".to_owned();
    vec![
        (slow_body, (408, "request-timeout", trickled)),
        (full, (503, "busy", get_of("/v1/people/list", ""))),
        (streams, (503, "busy", get_of("/v1/events", ""))),
        (slow_answer.clone(), (504, "timeout", get_of("/never", ""))),
        (slow_answer, (504, "outcome-unknown", post_of("/never", "", ""))),
    ]
}

/// A gateway that knows one key, without a role, and lets it ask once.
async fn guarded(folder: &TempDir, key: &ApiKey) -> impl FnOnce(Gateway) -> Gateway {
    let entry = KeyEntry {
        id: key.id().clone(),
        name: "test".to_owned(),
        owner: None,
        roles: ["nothing".to_owned()].into(),
        hash: key.hash().unwrap(),
        created: Utc::now(),
        expires: None,
        revoked: false,
    };
    let path = folder.path().join("access.json");
    let file = AccessFile { keys: vec![entry], ..AccessFile::default() };
    std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    let options = AccessOptions {
        file: path,
        shipped: serde_json::from_str(r#"{"nothing":{}}"#).unwrap(),
        rate: Some(Rate { burst: 1, each: Duration::from_secs(3600) }),
        origins: Origins::default(),
    };
    let access = Access::open(options).await.unwrap();
    |gateway| gateway.guarded(move |routes| access.guard(routes))
}

/// Sends the request and looks at the answer as a program would; the code that it was refused with.
async fn refused(at: &gateway::Serving, (status, code, request): &Case<'_>) {
    let mut socket = Socket::open(at).await;
    socket.write(request).await;
    let answer = socket.rest().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{code}: {answer}"));
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{code}: {answer}");
    assert!(head.contains("\r\ncontent-type: application/problem+json"), "{code}: {answer}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["status"], &body["code"]), (&(*status).into(), &(*code).into()), "{answer}");
    for field in ["title", "detail"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {answer}");
    }
    let id = body["request_id"].as_str().unwrap();
    assert!(head.contains(&format!("\r\nx-request-id: {id}")), "{answer}");
    assert_eq!(head.contains("\r\nretry-after: "), matches!(status, 429 | 503), "{answer}");
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_status_and_its_code() {
    let stand = Stand::with(routes()).await;
    let mut seen = Vec::new();
    for case in usual() {
        refused(&stand.serving, &case).await;
        seen.push((case.0, case.1));
    }
    for (limits, case) in bounded() {
        let change = |gateway: Gateway| gateway.with(routes()).limited(limits);
        let serving = serve(&stand.server, change).await;
        refused(&serving, &case).await;
        seen.push((case.0, case.1));
    }
    let (folder, key) = (tempfile::tempdir().unwrap(), ApiKey::generate().unwrap());
    let serving = serve(&stand.server, guarded(&folder, &key).await).await;
    let shown = get_of("/v1/people/list", &format!("X-Api-Key: {}\r\n", key.reveal()));
    for case in [
        (401, "unauthenticated", get_of("/v1/people/list", "")),
        (403, "forbidden", shown.clone()),
        (429, "too-many-requests", shown),
    ] {
        refused(&serving, &case).await;
        seen.push((case.0, case.1));
    }
    for (status, code, _) in Fault::ALL {
        assert!(seen.contains(&(*status, code)), "no request here is refused with {code}");
    }
}

#[tokio::test]
async fn what_became_of_a_command_is_told_with_the_status_that_it_would_have_had() {
    let stand = Stand::start().await;
    let later = stand.command("nobody", "tag", r#"{"tag":"vip"}"#);
    let taken = later.header("prefer", "respond-async").send().await.unwrap();
    let place = taken.headers()["location"].to_str().unwrap().to_owned();
    let outcome = tests::eventually("it is refused", tests::LIMIT, async || {
        let outcome = crate::kit::json(stand.get(&place).await).await;
        (outcome["status"] == "refused").then_some(outcome)
    })
    .await;
    assert_eq!(
        (&outcome["problem"]["status"], &outcome["problem"]["code"]),
        (&404.into(), &"not-found".into()),
        "{outcome}"
    );
}
