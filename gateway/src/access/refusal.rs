//! Why a request is not let in, as an answer.

use std::time::Duration;

use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use infrastructure::problem::Problem;

use super::{
    rate::{Rate, Verdict},
    token::BadToken,
};
use crate::problem::Fault;

/// What is left, and the rule: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It shows nothing.
    Nothing,
    /// What it shows is good for nothing.
    Wrong(&'static str),
    /// The token it shows is not taken.
    Token(BadToken),
    /// Its address has failed too often.
    TooManyFailures(Duration),
    /// Its caller asks too often.
    TooOften { wait: Duration, rate: Rate, verdict: Verdict },
    /// Too many keys wait for being verified.
    Busy,
    /// What would tell is away.
    Away,
}

impl Refusal {
    /// Whether it counts as a failed authentication of its address.
    pub(super) const fn counts(&self) -> bool {
        matches!(self, Self::Wrong(_) | Self::Token(_))
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Nothing => Fault::unauthenticated(
                "send a key or a token in the header Authorization (Bearer), or a key in X-Api-Key",
            ),
            Self::Wrong(why) => Fault::unauthenticated(*why),
            Self::Token(bad) => Fault::unauthenticated(bad.to_string()),
            Self::TooManyFailures(_) => {
                Fault::too_many_requests("too many failed authentications came from this address")
            }
            Self::TooOften { rate, .. } => Fault::too_many_requests(format!(
                "{} requests may come at once, and then one every {:?}",
                rate.burst, rate.each
            )),
            Self::Busy => Fault(Problem::busy("too many keys wait for being verified")),
            Self::Away => Fault(Problem::unavailable(BadToken::Away.to_string())),
        }
    }

    /// RFC 6750, section 3: who shows nothing is told how to, and nothing of an error.
    fn challenge(&self) -> Option<HeaderValue> {
        let why = match self {
            Self::Nothing => return Some(HeaderValue::from_static(r#"Bearer realm="headwater""#)),
            Self::Wrong(why) => (*why).to_owned(),
            Self::Token(bad) => bad.to_string(),
            _ => return None,
        };
        let value = format!(
            r#"Bearer realm="headwater", error="invalid_token", error_description="{why}""#
        );
        HeaderValue::try_from(value).ok()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.fault().into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        match self {
            Self::TooManyFailures(wait) => {
                headers.insert(RETRY_AFTER, seconds(wait).into());
            }
            Self::TooOften { wait, rate, verdict } => {
                headers.insert(RETRY_AFTER, seconds(wait).into());
                tell_rate(headers, rate, verdict);
            }
            _ => {}
        }
        response
    }
}

/// Says how often the caller may ask, and how often it still may.
pub(super) fn tell_rate(headers: &mut HeaderMap, rate: Rate, verdict: Verdict) {
    let policy = format!(r#""caller";q={};w={}"#, rate.burst, seconds(rate.window()));
    let left = format!(r#""caller";r={};t={}"#, verdict.left, seconds(verdict.reset));
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Whole seconds, rather one more than one less.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
