//! The stand-in's API over HTTP: who asks, idempotency keys, and what goes wrong on purpose.

use std::{collections::BTreeMap, fmt, future::pending, sync::Arc};

use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming};
use serde_json::Value;

use super::{
    FakeStripe, Shared, StripeFailure,
    book::{Book, No},
    lock,
};

/// The connection ends instead of an answer.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

type Answer = Response<Full<bytes::Bytes>>;

pub(super) async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Cut> {
    let (head, body) = request.into_parts();
    lock(&shared.requests).push(format!("{} {}", head.method, head.uri.path()));
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let said = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if said("authorization") != Some(&format!("Bearer {}", FakeStripe::KEY)) {
        return refused(No(401, "invalid_request_error", "api_key_missing"));
    }
    if said("stripe-version").is_none() {
        return refused(No(400, "invalid_request_error", "version_not_pinned"));
    }
    let failure = shared.mishap();
    match failure {
        Some(StripeFailure::Hang) => pending().await,
        Some(StripeFailure::Cut) => return Err(Cut),
        Some(StripeFailure::Answer(status)) => {
            return response(status, &No(status, "api_error", "away").body(), &[]);
        }
        Some(StripeFailure::Later(status, seconds)) => {
            let seconds = seconds.to_string();
            let body = No(status, "api_error", "rate_limit").body();
            return response(status, &body, &[("retry-after", seconds.as_str())]);
        }
        Some(StripeFailure::Breaks | StripeFailure::Lost) | None => {}
    }
    let query = pairs(head.uri.query().unwrap_or_default());
    let form = pairs(&String::from_utf8_lossy(&body));
    let asked = format!("{} {} {form:?}", head.method, head.uri.path());
    let segments: Vec<_> = head.uri.path().trim_matches('/').split('/').collect();
    let mut book = shared.book();
    let key = said("idempotency-key").filter(|_| head.method == Method::POST);
    if let Some(kept) = key.and_then(|key| book.kept(key)) {
        if kept.asked != asked {
            return refused(No(400, "idempotency_error", "idempotency_key_reused"));
        }
        return response(kept.status, &kept.body, &[("idempotent-replayed", "true")]);
    }
    let done = match failure {
        Some(StripeFailure::Breaks) => Err(No(500, "api_error", "broken")),
        _ => act(&mut book, &head.method, &segments, &query, &form),
    };
    let (status, body) = match done {
        Ok(body) => (200, body),
        Err(no) => (no.0, no.body()),
    };
    // What is wrong with the parameters is found out before anything begins.
    if let Some(key) = key.filter(|_| status != 400) {
        book.keep(key, asked, status, body.clone());
    }
    drop(book);
    if failure == Some(StripeFailure::Lost) {
        return Err(Cut);
    }
    response(status, &body, &[])
}

fn act(
    book: &mut Book,
    method: &Method,
    segments: &[&str],
    query: &BTreeMap<String, String>,
    form: &BTreeMap<String, String>,
) -> Result<Value, No> {
    let is_expanded = query.get("expand[]").is_some_and(|path| path.starts_with("latest_charge"));
    match (method, segments) {
        (&Method::POST, ["v1", "payment_intents"]) => book.create(form),
        (&Method::GET, ["v1", "payment_intents", id]) => book.intent(id, is_expanded),
        (&Method::POST, ["v1", "payment_intents", id, "cancel"]) => {
            book.cancel(id)?;
            book.intent(id, false)
        }
        (&Method::GET, ["v1", "charges", id]) => book.charge(id),
        (&Method::GET, ["v1", "events"]) => {
            let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
            let since = number("created[gte]").unwrap_or(0);
            let limit = number("limit").and_then(|limit| usize::try_from(limit).ok());
            let limit = limit.unwrap_or(10).clamp(1, 100);
            book.page(since, query.get("starting_after").map(String::as_str), limit)
        }
        _ => Err(No(404, "invalid_request_error", "url_invalid")),
    }
}

fn refused(no: No) -> Result<Answer, Cut> {
    response(no.0, &no.body(), &[])
}

fn response(status: u16, body: &Value, headers: &[(&str, &str)]) -> Result<Answer, Cut> {
    let builder = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("request-id", "req_1");
    let builder =
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    builder.body(Full::from(format!("{body:#}"))).map_err(|_| Cut)
}

/// The pairs of a form, as browsers write it.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (plain(name), plain(value))
        })
        .collect()
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next(), rest.next()]);
        let decoded = digits.and_then(|digits| {
            let text: Option<Vec<u8>> = digits.into_iter().collect();
            u8::from_str_radix(str::from_utf8(&text?).ok()?, 16).ok()
        });
        bytes.push(decoded.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
