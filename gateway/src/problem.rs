//! Problems as HTTP answers, RFC 9457: those of the service as they are, and those that only a server
//! of HTTP has. Not here: the request's id in them; the edge puts it there.

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use infrastructure::problem::Problem;

/// A refusal: its status, and the problem that the edge writes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub Problem);

impl From<Problem> for Fault {
    /// A code has one status at every route. The service says `not-found` of what it looks for, and a
    /// domain of what a command is about, both in their own words: over HTTP it is the same.
    fn from(problem: Problem) -> Self {
        match problem.code.as_str() {
            "not-found" => Self(Problem::not_found(problem.detail)),
            _ => Self(problem),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status);
        let mut response = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal;)*) => {
        impl Fault {
            $($(#[$doc])* #[must_use] pub fn $name(detail: impl Into<String>) -> Self {
                Self(Problem {
                    title: $title.into(),
                    status: $status,
                    code: $code.into(),
                    detail: detail.into(),
                })
            })*

            /// Status, code and title of every problem that only the gateway has.
            pub const ALL: &'static [(u16, &'static str, &'static str)] =
                &[$(($status, $code, $title)),*];
        }
    };
}

faults! {
    /// It is not known who asks.
    unauthenticated = 401 "unauthenticated" "It is not known who asks";
    /// The caller may not do this.
    forbidden = 403 "forbidden" "The caller may not do this";
    /// There is no such route.
    unknown_route = 404 "unknown-route" "There is no such route";
    /// The route has no such method.
    method_not_allowed = 405 "method-not-allowed" "The route has no such method";
    /// The request did not arrive in time.
    request_timeout = 408 "request-timeout" "The request did not arrive in time";
    /// The aggregate is not at the version that `If-Match` names.
    precondition_failed = 412 "wrong-version" "The aggregate is not at the expected version";
    /// The path and its parameters are longer than what is read here.
    uri_too_long = 414 "uri-too-long" "The path and its parameters are too long";
    /// The body is not of a type that is read here.
    unsupported_media_type = 415 "unsupported-media-type" "The body is not of a type that is read here";
    /// Too many requests of this caller.
    too_many_requests = 429 "too-many-requests" "The caller asks too often";
    /// The headers are larger than what is read here.
    headers_too_large = 431 "headers-too-large" "The headers are too large";
}

impl Fault {
    /// The problem that `status` alone amounts to: how a route's own refusal, which is no problem yet,
    /// becomes one.
    pub(crate) fn of_status(status: StatusCode, detail: &str) -> Self {
        let or = |text| if detail.is_empty() { text } else { detail };
        match status.as_u16() {
            400 | 422 => {
                Self(Problem { status: status.as_u16(), ..Problem::invalid(or("it is malformed")) })
            }
            401 => Self::unauthenticated(or("a key or a token is needed")),
            403 => Self::forbidden(or("it is not among what the caller may do")),
            404 => Self::unknown_route(or("nothing answers under this path")),
            405 => Self::method_not_allowed(or("the header Allow names those that it has")),
            408 => Self::request_timeout(or("the request took too long to arrive")),
            412 => Self::precondition_failed(or("read the state again, then decide again")),
            413 => Self(Problem::too_large(or("the body is too large"))),
            414 => Self::uri_too_long(or("put less into it")),
            415 => Self::unsupported_media_type(or("send application/json")),
            429 => Self::too_many_requests(or("ask less often")),
            431 => Self::headers_too_large(or("send fewer or shorter ones")),
            503 => Self(Problem::unavailable("try again")),
            504 => Self(Problem::timeout("try again")),
            code @ 400..500 => {
                let title = status.canonical_reason().unwrap_or("The request is refused");
                Self(Problem {
                    title: title.to_owned(),
                    status: code,
                    code: format!("http-{code}"),
                    detail: or("see the status").to_owned(),
                })
            }
            code => Self(Problem { status: code, ..Problem::internal("the log has the reason") }),
        }
    }
}
