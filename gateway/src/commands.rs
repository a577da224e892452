//! `POST /v1/commands/{aggregate}/{id}/{name}` and what became of a durable command. The rules of
//! commands are the service's; here is only how HTTP spells them.

mod key;
mod precondition;
mod prefer;

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hyper::{
    HeaderMap, StatusCode,
    header::{ETAG, HeaderName, HeaderValue, LOCATION},
};
use infrastructure::{
    problem::Problem,
    request::{CommandRequest, Reply},
    telemetry,
};
use kit::{AggregateId, CommandId, Version};
use serde_json::{Map, Value, json};

use self::{key::Key, precondition::Precondition, prefer::Preferences};
use crate::{
    access::{Asks, Claim},
    caller::Caller,
    edge::{self, RequestId},
    etag, headers,
    params::Params,
    problem::Fault,
    service::Service,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const COMMAND_ID: HeaderName = HeaderName::from_static("command-id");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Carries a command out, or takes it in if the caller prefers not to wait.
pub(crate) async fn send(
    State(service): State<Arc<Service>>,
    Path((aggregate, id, name)): Path<(String, String, String)>,
    (asks, params): (Asks, Params),
    caller: Option<Extension<Caller>>,
    Extension(request_id): Extension<RequestId>,
    map: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    asks.to_command(&aggregate, &id, &name)?;
    // A wish that is not known, such as a trial run, must not end as a command.
    params.end()?;
    headers::is_json(&map)?;
    let id: AggregateId = id.parse().map_err(|bad| Problem::invalid(format!("{bad}")))?;
    let claim = asks.claim_command((&aggregate, &id, &name), &service.histories).await?;
    let caller = caller.map(|Extension(caller)| caller).unwrap_or_default();
    let key = Key::read(&map)?;
    let command_id = key.command_id(&caller.scope, &aggregate, &id);
    let preferences = Preferences::read(&map)?;
    let precondition = Precondition::read(&map)?;
    let mut request = CommandRequest::new(aggregate, id, name, body);
    request.command_id = Some(command_id.clone());
    request.correlation_id = headers::text(&map, "x-correlation-id")?.map(str::to_owned);
    request.user_id = caller.user.as_deref().map(str::to_owned);
    request.session_id = caller.session.as_deref().map(str::to_owned);
    request.request_id = Some(request_id.as_str().to_owned());
    request.deadline = deadline(&map, &preferences)?;
    request.traceparent = telemetry::outgoing(&tracing::Span::current(), edge::traceparent(&map));
    request.expected_version = precondition.expected(&service.histories, &request).await?;
    if claim == Claim::First {
        request.expected_version = Some(precondition.first(request.expected_version)?);
    }

    let answer = match preferences.respond_async {
        true => enqueue(&service, &request).await,
        false => carry_out(&service, &request).await,
    };
    let mut response = answer
        .map_err(|problem| precondition.explain(key.explain(problem)))
        .unwrap_or_else(IntoResponse::into_response);
    let map = response.headers_mut();
    put(map, COMMAND_ID, command_id.as_str());
    if let Some(made) = key.made() {
        put(map, IDEMPOTENCY_KEY, made);
    }
    if let Some(applied) = preferences.applied() {
        put(map, PREFERENCE_APPLIED, &applied);
    }
    Ok(response)
}

async fn carry_out(service: &Service, request: &CommandRequest) -> Result<Response, Problem> {
    let reply = service.client.send(request).await?;
    // Whether it is told for the first time or again: the answer is the same.
    let created = reply.events.first().is_some_and(|event| event.version == Version(1));
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let Reply { aggregate, id, version, .. } = &reply;
    let (tag, place) = (etag::of(*version), format!("/v1/aggregates/{aggregate}/{id}"));
    let mut response = (status, Json(&reply)).into_response();
    put(response.headers_mut(), ETAG, &tag);
    if created {
        put(response.headers_mut(), LOCATION, &place);
    }
    Ok(response)
}

async fn enqueue(service: &Service, request: &CommandRequest) -> Result<Response, Problem> {
    // Nobody waits to hear that it cannot even be read.
    service.histories.check(&request.aggregate, &request.name, &request.body)?;
    let id = service.client.enqueue(request).await?;
    let place = format!("/v1/commands/{id}");
    let taken = Json(json!({"status": "pending", "command_id": id}));
    let mut response = (StatusCode::ACCEPTED, taken).into_response();
    put(response.headers_mut(), LOCATION, &place);
    Ok(response)
}

/// What became of a durable command, without the command itself: whoever sent it has it.
pub(crate) async fn result(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    asks: Asks,
    params: Params,
) -> Result<Json<Value>, Fault> {
    asks.to_query("commands", "result")?;
    params.end()?;
    // Whose command it was is not kept, so it is nothing for who may see only what is their own.
    asks.claim_query(("commands", "result"), &Map::new(), &service.histories).await?;
    let id: CommandId = id.parse().map_err(|bad| Problem::invalid(format!("{bad}")))?;
    let mut outcome = service.client.result(&id).await?;
    outcome.original = None;
    outcome.problem = outcome.problem.map(|problem| Fault::from(problem).0);
    let outcome = serde_json::to_value(outcome);
    Ok(Json(outcome.map_err(|error| Problem::internal(error.to_string()))?))
}

fn deadline(map: &HeaderMap, preferences: &Preferences) -> Result<Option<DateTime<Utc>>, Problem> {
    let given = headers::text(map, "deadline")?.map(DateTime::parse_from_rfc3339).transpose();
    let given = given.map_err(|_| headers::bad("deadline", "is not an RFC 3339 time"))?;
    let latest = Utc::now() + prefer::WAIT_MAX;
    let given = given.map(|at| at.to_utc().min(latest));
    Ok(given.into_iter().chain(preferences.until()).min())
}

fn put(map: &mut HeaderMap, name: HeaderName, value: &str) {
    // Ids, versions and paths made of them are always values of headers.
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(name, value);
    }
}
