//! What every request passes first and every answer last: its id, its span, the time it may take, and
//! the form of what went wrong. Not here: whether it is allowed.

mod body;
mod dress;
mod head;
mod request_id;

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};
use hyper::{HeaderMap, Method, StatusCode, header::HeaderValue};
use infrastructure::{problem::Problem, telemetry};
use kit::excerpt;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

pub use self::request_id::RequestId;
use crate::{limits::Limits, problem::Fault};

/// When a caller that was told `busy` may try again, in seconds.
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Everything that is around all routes, health included.
pub(crate) fn around(router: Router, limits: &Arc<Limits>) -> Router {
    router
        .layer(from_fn_with_state(Arc::clone(limits), in_time))
        .layer(from_fn(head::within_bounds))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(watch))
        .layer(map_response(harden))
}

/// What is around the routes that do work: bodies are taken in whole, and only so many at a time go on.
pub(crate) fn work(router: Router, limits: &Arc<Limits>) -> Router {
    let places = Arc::new(Semaphore::new(limits.requests));
    router
        .layer(from_fn_with_state(places, in_turn))
        .layer(from_fn_with_state(Arc::clone(limits), body::take_in))
}

/// Gives the request an id and a span, and the answer its form.
async fn watch(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let (method, path) = (request.method().clone(), excerpt(request.uri().path()).into_owned());
    let span = tracing::info_span!("http", %method, path, request_id = id.as_str());
    telemetry::adopt(&span, traceparent(request.headers()));
    let begun = Instant::now();
    async {
        let mut response = dress::dress(next.run(request).await, &id).await;
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        report(response.status(), begun);
        response
    }
    .instrument(span)
    .await
}

/// What browsers are told about every answer: to take it for nothing but what it says it is, to run
/// nothing of it, and to show it inside no other page. A route may say otherwise for its own page.
async fn harden(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn report(status: StatusCode, begun: Instant) {
    let (status, took) = (status.as_u16(), begun.elapsed());
    // A refusal for want of room is the caller's business; what else goes wrong here is ours.
    if status >= 500 && status != 503 {
        tracing::warn!(status, ?took, "answered");
    } else {
        tracing::debug!(status, ?took, "answered");
    }
}

async fn in_time(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = timeout(limits.request_timeout, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let why = format!("no answer within {:?}", limits.request_timeout);
        let problem = match changes {
            true => Problem::outcome_unknown(format!("{why}; repeat it with the same key")),
            false => Problem::timeout(why),
        };
        Fault(problem).into_response()
    })
}

async fn in_turn(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => busy("too many requests are at work here").into_response(),
    }
}

/// Refuses for want of room.
pub(crate) fn busy(detail: &str) -> Fault {
    Fault(Problem::busy(detail))
}

/// The panic itself is in the log: the hook writes it before this is asked.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a route panicked; the panic stands above");
    Fault(Problem::internal("the request met a bug; its id finds it in the log")).into_response()
}

/// The caller's place in its trace, as it came.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<&str> {
    headers.get("traceparent").and_then(|value| value.to_str().ok())
}

/// Says when to try again, wherever that is all there is to do.
fn advise(response: &mut Response) {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
    }
}
