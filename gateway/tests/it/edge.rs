//! What no route is needed for: unknown paths, sizes, slow clients, panics, and too many of them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use gateway::{Limits, ListenError, Listener};
use tests::{LIMIT, eventually};
use tokio::{sync::Notify, time::timeout};

use crate::kit::{Socket, Stand, code, gateway, hasty_writer, http, problem, serve};

/// Takes a body and says how long it is.
fn sink() -> Router {
    Router::new().route("/sink", post(async |body: Bytes| body.len().to_string()))
}

#[tokio::test]
async fn what_no_route_answers_is_a_problem_with_a_code() {
    let stand = Stand::with(sink()).await;
    for path in ["/", "/v1", "/v2/people/get", "/sink/x", "/%00", "/..%2f..%2fetc%2fpasswd"] {
        assert_eq!(code(stand.get(path).await).await, (404, "unknown-route".into()), "{path}");
    }
    let refused = stand.get("/sink").await;
    assert_eq!(refused.headers()["allow"], "POST");
    assert_eq!(code(refused).await, (405, "method-not-allowed".into()));
}

#[tokio::test]
async fn a_request_keeps_its_id_and_gets_one_if_it_has_none_that_fits() {
    let stand = Stand::start().await;
    let ask = |id: &'static str| {
        stand.http.get(stand.serving.url() + "/healthz").header("x-request-id", id).send()
    };
    let kept = ask("web-1:7").await.unwrap();
    assert_eq!(kept.headers()["x-request-id"], "web-1:7");
    let made = ask("two words").await.unwrap();
    assert_eq!(made.headers()["x-request-id"].len(), 36, "a UUID took its place");
}

#[tokio::test]
async fn a_panic_is_a_problem_that_says_nothing_but_the_request_id() {
    async fn broken() -> &'static str {
        panic!("the password is 1234")
    }
    let stand = Stand::with(Router::new().route("/broken", get(broken))).await;
    let (status, body) = problem(stand.get("/broken").await).await;
    assert_eq!((status, &body["code"]), (500, &"internal".into()));
    assert!(!body.to_string().contains("1234"), "{body}");
    assert_eq!(stand.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn a_routes_own_refusal_becomes_a_problem_unless_it_has_a_json_form() {
    let own = axum::Json(serde_json::json!({"message": "own"}));
    let routes = Router::new()
        .route("/plain", get(async || (axum::http::StatusCode::UNPROCESSABLE_ENTITY, "no such n")))
        .route("/failed", get(async || (axum::http::StatusCode::BAD_GATEWAY, "at 10.0.0.7:5432")))
        .route("/own", get(async move || (axum::http::StatusCode::BAD_REQUEST, own)));
    let stand = Stand::with(routes).await;
    let (status, body) = problem(stand.get("/plain").await).await;
    assert_eq!((status, &body["detail"]), (422, &"no such n".into()));
    let (status, body) = problem(stand.get("/failed").await).await;
    assert_eq!(status, 502);
    assert!(!body.to_string().contains("10.0.0.7"), "{body}");
    assert_eq!(stand.get("/own").await.text().await.unwrap(), r#"{"message":"own"}"#);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_and_the_client_hears_it() {
    let stand = Stand::with(sink()).await;
    let url = stand.serving.url() + "/sink";
    let send = |bytes: usize| stand.http.post(&url).body(vec![b'x'; bytes]).send();
    assert_eq!(send(256 * 1024).await.unwrap().text().await.unwrap(), "262144");
    for bytes in [256 * 1024 + 1, 10 * 1024 * 1024] {
        assert_eq!(code(send(bytes).await.unwrap()).await, (413, "too-large".into()), "{bytes}");
    }
    // Without an announced length.
    let mut socket = stand.socket().await;
    socket.write("POST /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..5 {
        socket.write(format!("10000\r\n{}\r\n", "x".repeat(0x1_0000))).await;
    }
    socket.write("0\r\n\r\n").await;
    assert!(socket.rest().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn who_waits_to_be_told_to_go_on_is_told_at_once_that_it_is_too_much() {
    let stand = Stand::with(sink()).await;
    let mut socket = stand.socket().await;
    let head = "POST /sink HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
    socket.write(format!("{head}10485760\r\n\r\n")).await;
    assert!(socket.rest().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_client_that_trickles_its_head_or_says_nothing_more_is_not_waited_for() {
    let limits = Limits { head_timeout: Duration::from_millis(300), ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.limited(limits)).await;
    let mut head = stand.socket().await;
    head.write("GET /healthz HTTP/1.1\r\nHo").await;
    assert!(!head.rest().await.contains("200"), "the connection was closed");

    // Again where this machine took too long to say it.
    eventually("answered, and closed when nothing more came", LIMIT, async || {
        let mut idle = stand.socket().await;
        idle.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        idle.rest().await.contains("alive").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_trickles_its_body_is_told_so() {
    let limits = Limits { body_timeout: Duration::from_millis(300), ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.with(sink()).limited(limits)).await;
    let mut body = stand.socket().await;
    body.write("POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1").await;
    let answer = body.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"request-timeout""#), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let large = async || vec![b'x'; 64 * 1024 * 1024];
    let routes = Router::new().route("/large", get(large));
    let limits = Limits { connections: 1, ..hasty_writer() };
    let stand = Stand::start_as(|gateway| gateway.with(routes).limited(limits)).await;
    let mut socket = stand.socket().await;
    socket.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    socket.until("200 OK").await;
    // It keeps the only place and reads no more; then it has it no longer.
    eventually("there is room again", LIMIT, async || {
        let answer = stand.http.get(stand.serving.url() + "/healthz").send().await;
        // Who is turned away may hear it before it has asked.
        answer.is_ok_and(|answer| answer.status() == 200).then_some(())
    })
    .await;
    drop(socket);
}

/// A route that tells when it has begun, and ends when it is told to.
fn slow() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (go, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (wait, tell) = (Arc::clone(&go), Arc::clone(&begun));
    let slow = async move || {
        tell.notify_one();
        wait.notified().await;
        "done"
    };
    (Router::new().route("/slow", get(slow)), go, begun)
}

#[tokio::test]
async fn beyond_the_bounds_a_request_is_told_to_come_again() {
    let (routes, go, begun) = slow();
    let limits = Limits { requests: 1, ..Limits::default() };
    let routes = routes.merge(sink());
    let stand = Stand::start_as(|gateway| gateway.with(routes).limited(limits)).await;
    let first = tokio::spawn(stand.http.get(stand.serving.url() + "/slow").send());
    timeout(LIMIT, begun.notified()).await.unwrap();
    let second = stand.http.post(stand.serving.url() + "/sink").send().await.unwrap();
    assert_eq!(second.headers()["retry-after"], "1");
    assert_eq!(code(second).await, (503, "busy".into()));
    assert_eq!(stand.get("/healthz").await.status(), 200, "probes need no place");
    go.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn connections_that_say_nothing_make_room_and_those_with_a_request_at_work_do_not() {
    const ASK: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (routes, go, begun) = slow();
    let limits = Limits { connections: 2, ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.with(routes).limited(limits)).await;
    let slow = || stand.http.get(stand.serving.url() + "/slow").send();
    let first = tokio::spawn(slow());
    timeout(LIMIT, begun.notified()).await.unwrap();
    for said in ["", "GET /healthz HT"] {
        let mut silent = stand.socket().await;
        silent.write(said).await;
        let mut next = stand.socket().await;
        next.write(ASK).await;
        let answer = next.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(silent.rest().await, "", "it gave its place away");
    }
    let second = tokio::spawn(slow());
    timeout(LIMIT, begun.notified()).await.unwrap();
    let mut third = stand.socket().await;
    third.write(ASK).await;
    let refused = third.rest().await.to_ascii_lowercase();
    assert!(refused.starts_with("http/1.1 503 "), "{refused}");
    assert!(
        refused.contains("retry-after: 1") && refused.contains(r#""code":"busy""#),
        "{refused}"
    );
    go.notify_waiters();
    for asked in [first, second] {
        assert_eq!(asked.await.unwrap().unwrap().text().await.unwrap(), "done");
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_answered_all_the_same() {
    let routes = Router::new().route("/never", get(std::future::pending::<()>));
    let limits = Limits { request_timeout: Duration::from_millis(300), ..Limits::default() };
    let stand = Stand::start_as(|gateway| gateway.with(routes).limited(limits)).await;
    assert_eq!(code(stand.get("/never").await).await, (504, "timeout".into()));
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let stand = Stand::start().await;
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(80_000));
    let bad = ["\0\0\0\0\r\n\r\n", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "GET /\r\nfoo", &long];
    for bytes in bad {
        let mut socket = stand.socket().await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut socket.0, bytes.as_bytes()).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut socket.0).await;
        let answer = socket.rest().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(stand.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn without_a_guard_only_this_machine_is_listened_to() {
    let server = tests::Server::start().await;
    let open = || Listener::bind("0.0.0.0:0".parse().unwrap());
    let open_one = gateway(&server).await;
    let refused = open_one.serve(open().await.unwrap()).unwrap_err();
    assert!(matches!(refused, ListenError::Unguarded(_)));
    let guarded = gateway(&server).await.guarded(|routes| routes);
    guarded.serve(open().await.unwrap()).unwrap().drain().await;
}

#[tokio::test]
async fn requests_in_flight_are_answered_while_it_drains() {
    let (routes, go, begun) = slow();
    let server = tests::Server::start().await;
    let serving = serve(&server, |gateway| gateway.with(routes)).await;
    let mut idle = Socket::open(&serving).await;
    let url = serving.url();
    let asked = tokio::spawn(http().get(url.clone() + "/slow").send());
    timeout(LIMIT, begun.notified()).await.unwrap();
    let draining = tokio::spawn(serving.drain());
    // An idle connection is closed at once, and no new one is taken.
    assert_eq!(idle.rest().await, "");
    eventually("nothing more is accepted", LIMIT, async || {
        http().get(url.clone() + "/healthz").send().await.is_err().then_some(())
    })
    .await;
    assert!(!draining.is_finished(), "it waits for the request");
    go.notify_one();
    assert_eq!(asked.await.unwrap().unwrap().text().await.unwrap(), "done");
    timeout(LIMIT, draining).await.unwrap().unwrap();
}
