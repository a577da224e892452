//! Refusals in the words of PostgREST: what its clients show as `error`.
//! Not here: when something is refused.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use gateway::Fault;
use infrastructure::problem::Problem;
use kit::excerpt;
use serde::Serialize;

/// Why a request is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    pub(super) status: StatusCode,
    /// PostgREST's, PostgreSQL's or the service's own: stable, and what callers branch on.
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    pub(super) details: Option<String>,
    pub(super) hint: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), details: None, hint: None }
    }

    pub(super) fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    pub(super) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// A query string that says nothing.
    pub(super) fn unreadable(what: &str, text: &str) -> Self {
        let text = excerpt(text);
        Self::new(StatusCode::BAD_REQUEST, "PGRST100", format!("failed to parse {what} ({text})"))
    }

    /// What PostgREST has and this face of the service has not.
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "0A000", what);
        refusal.hint(
            "docs/supabase.md names what is supported; HTTP under /v1 has all commands and queries",
        )
    }

    /// A value that is none of its column's type.
    pub(super) fn no_value(of: &str, text: &str) -> Self {
        let text = excerpt(text);
        let message = format!("invalid input syntax for type {of}: \"{text}\"");
        Self::new(StatusCode::BAD_REQUEST, "22P02", message)
    }

    /// A body that cannot be read.
    pub(super) fn body(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PGRST102", "Empty or invalid json").details(why)
    }

    /// A column that a table has not.
    pub(super) fn no_column(table: &str, column: &str) -> Self {
        let column = excerpt(column);
        let message = format!("column {table}.{column} does not exist");
        Self::new(StatusCode::BAD_REQUEST, "42703", message)
    }

    /// An attempt to change what follows from events.
    pub(super) fn read_only(table: &str) -> Self {
        let message =
            format!("rows of {} follow from events and are never changed", excerpt(table));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "25006", message)
            .hint("call add_design_request_event or add_design_request_answer_history")
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let Fault(Problem { title, status, code, detail }) = problem.into();
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.into(),
            message: detail,
            details: Some(title),
            hint: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            // Its clients repeat a read by themselves when told so.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
