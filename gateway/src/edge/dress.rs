//! The form of what went wrong: RFC 9457 for every error of every route, with the request's id.
//! A route that has a JSON form of its own for its errors keeps it.

use axum::{body::Body, response::Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use infrastructure::problem::Problem;
use nats::headers;
use serde::Serialize;

use super::{RequestId, advise};
use crate::problem::Fault;

/// Most of a plain refusal that is repeated.
const DETAIL_BYTES_MAX: usize = 1024;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    request_id: &'a str,
}

/// Writes a problem out, and makes one of what is an error and says nothing a program could read.
pub(super) async fn dress(mut response: Response, id: &RequestId) -> Response {
    let status = response.status();
    let fault = match response.extensions_mut().remove::<Fault>() {
        Some(fault) => fault,
        None if is_error(status) && !is_json(&response) => {
            let (parts, body) = response.into_parts();
            // A refusal of the framework's own is about the request; a failure's words are not for
            // the caller.
            let detail = if status.is_client_error() { words(body).await } else { String::new() };
            response = Response::from_parts(parts, Body::empty());
            Fault::of_status(status, &detail)
        }
        None => return response,
    };
    let shown = Shown { problem: &fault.0, request_id: id.as_str() };
    // Strings and an integer always have a JSON form.
    *response.body_mut() = serde_json::to_vec(&shown).unwrap_or_default().into();
    let map = response.headers_mut();
    map.remove(CONTENT_LENGTH);
    map.insert(CONTENT_TYPE, HeaderValue::from_static(headers::PROBLEM_JSON));
    advise(&mut response);
    response
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == headers::JSON || kind.ends_with("+json")
    })
}

async fn words(body: Body) -> String {
    let body = Limited::new(body, DETAIL_BYTES_MAX).collect().await;
    let body = body.map(|whole| whole.to_bytes()).unwrap_or_default();
    String::from_utf8(body.into()).unwrap_or_default()
}
