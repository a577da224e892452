//! A face like that of PostgREST, so that programs written for supabase-js run as they are: three
//! routes that change something by sending commands, and reads of five tables by the read models.
//!
//! A query string is read into a small typed value; nothing of it is ever part of a statement. What
//! PostgREST has and this has not is refused, in PostgREST's own form, before anything is done.
//! Not here: the rules of requests, and how rows come about.

mod answer;
mod call;
mod filter;
mod function;
mod given;
mod insert;
mod order;
mod payment;
mod read;
mod refusal;
mod relation;
mod rows;
mod select;
mod value;
mod wish;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use gateway::Fault;

use self::refusal::Refusal;
pub(super) use self::{
    call::EventType,
    function::{ADD_ANSWER, ADD_EVENT, Function},
    insert::{FIELDS as INSERTS, TABLE as INSERTED},
    relation::{ALL as TABLES, Relation},
};
use super::service::Service;

type Shared = Arc<Service>;

/// Where all of it is.
const PREFIX: &str = "/rest/v1/";

/// The routes below `/rest/v1`.
pub(super) fn routes(service: Shared) -> Router {
    Router::new()
        .route("/rest/v1/{table}", get(read::read).post(insert::insert).fallback(read_only))
        .route("/rest/v1/rpc/{function}", post(function::call).fallback(only_post))
        .with_state(service)
}

async fn read_only(Path(table): Path<String>) -> Refusal {
    Refusal::read_only(&table)
}

async fn only_post() -> Refusal {
    let message = "a function is called by POST: it changes something";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "PGRST101", message)
}

/// `routes`, of which those below `/rest/v1` tell what goes wrong before they are reached, such as a key
/// that nobody knows, in the form that their clients read. It goes around access control.
pub fn formed(routes: Router) -> Router {
    routes.layer(from_fn(form))
}

async fn form(request: Request, next: Next) -> Response {
    let is_ours = request.uri().path().starts_with(PREFIX);
    let mut response = next.run(request).await;
    if !is_ours {
        return response;
    }
    let Some(Fault(problem)) = response.extensions_mut().remove::<Fault>() else { return response };
    let refusal = Refusal::from(problem).into_response();
    let (mut parts, _) = response.into_parts();
    let (formed, body) = refusal.into_parts();
    parts.status = formed.status;
    parts.headers.extend(formed.headers);
    Response::from_parts(parts, body)
}
