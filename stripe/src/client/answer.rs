//! What an answer of Stripe's says about its request.
//! Not here: repeating it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde::Deserialize;

use crate::Error;

/// Largest answer in bytes: a page of a hundred large events.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Longest of Stripe's own codes that is passed on.
const WORD_BYTES_MAX: usize = 64;

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    /// Nobody knows whether anything was done.
    Nothing(String),
}

/// What to do about it.
#[derive(Debug)]
pub(super) enum Verdict {
    Done {
        body: Bytes,
        is_replayed: bool,
    },
    Failed(Error),
    /// The same again, perhaps after a while.
    Again {
        error: Error,
        after: Option<Duration>,
    },
}

#[derive(Debug, Default, Deserialize)]
struct Failure {
    #[serde(default)]
    error: FailureDetail,
}

#[derive(Debug, Default, Deserialize)]
struct FailureDetail {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    param: Option<String>,
}

impl Answer {
    pub(super) async fn to(request: RequestBuilder) -> Self {
        // The address is known, and its query may name somebody.
        let nothing = |error: reqwest::Error| Self::Nothing(reason(&error));
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return nothing(error),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        match whole(&mut response).await {
            Ok(Some(body)) => Self::Whole { status, headers, body },
            Ok(None) => Self::Nothing("its answer is too long".to_owned()),
            Err(error) => nothing(error),
        }
    }

    pub(super) fn verdict(self) -> Verdict {
        let (status, headers, body) = match self {
            Self::Nothing(reason) => {
                return Verdict::Again { error: Error::away(reason), after: None };
            }
            Self::Whole { status, headers, body } => (status, headers, body),
        };
        let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_replayed = says("idempotent-replayed") == Some("true");
        if status.is_success() {
            return Verdict::Done { body, is_replayed };
        }
        let failure: Failure = serde_json::from_slice(&body).unwrap_or_default();
        // With this key something else was asked, by an older form of this code.
        let is_other = failure.error.kind.as_deref() == Some("idempotency_error");
        let told = told(status, failure.error, says("request-id"));
        let after = says("retry-after").and_then(|seconds| seconds.parse().ok());
        let after = after.map(Duration::from_secs);
        let away = Error::Away { reason: told.clone(), after };
        // Stripe knows best; where it says nothing, what passes by itself is tried again.
        let passes = status == StatusCode::CONFLICT
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error();
        match (says("stripe-should-retry"), status) {
            _ if status.is_server_error() && is_replayed => Verdict::Failed(Error::Stuck(told)),
            (_, StatusCode::BAD_REQUEST) if is_other => Verdict::Failed(Error::Stuck(told)),
            (Some("true"), _) => Verdict::Again { error: away, after },
            (Some("false"), _) if passes => Verdict::Failed(away),
            _ if passes => Verdict::Again { error: away, after },
            (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Verdict::Failed(Error::Forbidden(told))
            }
            (_, StatusCode::NOT_FOUND) => Verdict::Failed(Error::Missing(told)),
            _ => Verdict::Failed(Error::Refused(told)),
        }
    }
}

async fn whole(response: &mut Response) -> reqwest::Result<Option<Bytes>> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// Stripe's codes, without its words.
fn told(status: StatusCode, failure: FailureDetail, request: Option<&str>) -> String {
    let FailureDetail { kind, code, param } = failure;
    let request = request.map(str::to_owned);
    let named = [("type", kind), ("code", code), ("param", param), ("request", request)];
    let is_word = |text: &String| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-[].".contains(&byte);
        text.len() <= WORD_BYTES_MAX && text.bytes().all(is_plain)
    };
    let words = named.into_iter().filter_map(|(name, text)| Some((name, text.filter(is_word)?)));
    let words: String = words.map(|(name, text)| format!(", {name} {text}")).collect();
    format!("status {}{words}", status.as_u16())
}

fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection was cut"
    };
    what.to_owned()
}
