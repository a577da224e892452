//! Access control around routes: judging, and what every answer says to browsers.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION,
            RETRY_AFTER, VARY,
        },
    },
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{
    Access,
    credentials::{KEY_HEADERS, shown},
    peer::Peer,
    refusal::tell_rate,
};
use crate::Caller;

/// How long a browser need not ask again whether it may ask.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_secs(600);

/// Web pages from elsewhere that may ask, by their origins; none unless they are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin, such as https://www.example.org or http://localhost:3000")]
pub struct BadOrigin(String);

impl Origins {
    /// Those origins. There is no `*`: who wants every page to ask may put a proxy in front.
    ///
    /// # Errors
    /// [`BadOrigin`], if one is a scheme and a host in another form than browsers write.
    pub fn of<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, BadOrigin> {
        let checked = |text: &'a str| {
            let bad = || BadOrigin(kit::excerpt(text).into_owned());
            let url: reqwest::Url = text.parse().map_err(|_| bad())?;
            let own = url.origin().ascii_serialization();
            let fits = matches!(url.scheme(), "http" | "https") && own == text;
            if fits { HeaderValue::try_from(text).map_err(|_| bad()) } else { Err(bad()) }
        };
        origins.into_iter().map(checked).collect::<Result<_, _>>().map(Self)
    }
}

impl Access {
    /// `routes` behind access control. What is let in has its [`Principal`](super::Principal) and its
    /// [`Caller`] among its extensions, and its credentials no longer among its headers.
    pub fn guard(&self, routes: Router) -> Router {
        let guarded = routes.layer(from_fn_with_state(self.clone(), judge)).layer(from_fn(forget));
        match &self.0.origins {
            Origins(origins) if origins.is_empty() => guarded,
            Origins(origins) => guarded.layer(cors(origins.clone())),
        }
    }
}

async fn judge(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = Peer::of(peer.map(|ConnectInfo(address)| address.ip()));
    let admitted = match access.0.admit(shown(request.headers()), peer).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.into_response(),
    };
    // Nothing behind this needs them, and what is not there is in no log.
    request.headers_mut().remove(AUTHORIZATION);
    for name in KEY_HEADERS {
        request.headers_mut().remove(name);
    }
    let user = admitted.principal.user_id().into();
    let caller = Caller { scope: std::sync::Arc::clone(&user), user: Some(user), session: None };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(admitted.principal);
    let mut response = next.run(request).await;
    if is_endless(&response) {
        response = admitted.standing.limit(response, access.0.book.clone());
    }
    if let Some((rate, verdict)) = admitted.verdict {
        tell_rate(response.headers_mut(), rate, verdict);
    }
    response
}

/// A stream of events goes on for as long as its client listens.
fn is_endless(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// What is for one caller is kept by nobody on the way, unless the route says otherwise.
async fn forget(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.append(VARY, HeaderValue::from_static("authorization, x-api-key, apikey"));
    response
}

/// Credentials are headers that a page must set itself, so there is nothing that a browser would
/// send along on its own, and no cookies are allowed.
fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let header = HeaderName::from_static;
    let asked = [AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH]
        .into_iter()
        .chain(KEY_HEADERS)
        .chain(ASKED.map(header));
    let answered = [ETAG, LOCATION, RETRY_AFTER].into_iter().chain(ANSWERED.map(header));
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(asked.collect::<Vec<_>>())
        .expose_headers(answered.collect::<Vec<_>>())
        .max_age(PREFLIGHT_AGE)
}

/// Headers that a page may send; the last four are those of supabase-js.
const ASKED: [&str; 11] = [
    "accept",
    "deadline",
    "idempotency-key",
    "last-event-id",
    "prefer",
    "range",
    "traceparent",
    "x-correlation-id",
    "accept-profile",
    "content-profile",
    "x-client-info",
];

/// Headers that a page may read.
const ANSWERED: [&str; 8] = [
    "command-id",
    "content-range",
    "idempotency-key",
    "preference-applied",
    "ratelimit",
    "ratelimit-policy",
    "www-authenticate",
    "x-request-id",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let good = ["https://www.example.org", "http://localhost:3000"];
        assert_eq!(Origins::of(good).unwrap().0.len(), 2);
        for bad in [
            "*",
            "null",
            "example.org",
            "https://example.org/",
            "https://example.org/path",
            "https://Example.org",
            "https://example.org:443",
            "ftp://example.org",
            "https://ada@example.org",
        ] {
            assert!(Origins::of([bad]).is_err(), "{bad}");
        }
        assert_eq!(Origins::of([]).unwrap(), Origins::default());
    }
}
