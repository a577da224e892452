//! `/api/design-applications`: what the page of a form asks for, several commands and queries in one.
//!
//! A key makes it safe to repeat: a repeat finishes what the first attempt began.
//! Not here: the rules; every command is decided as if it had come alone.

mod plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::design::{Design, DesignCommand, DesignEvent};
use gateway::Fault;
use infrastructure::{problem::Problem, request::Status};
use kit::{Aggregate as _, AggregateId, Command as _, CommandId, Position, Recorded, json};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::to_raw_value;
use uuid::Uuid;

pub(super) use self::plan::{ANSWERS_MAX, Application, More};
use super::service::{Ask, Asker, Row, Service};

/// Where all of it is.
const PATH: &str = "/api/design-applications";
/// The header that makes a repeat safe.
const KEY: &str = "idempotency-key";
/// Longest key.
const KEY_BYTES_MAX: usize = 255;
/// What a list may be narrowed by, as the read model has it.
pub(super) const NARROWING: &[&str] = &[
    "email",
    "current_status",
    "current_payment_status",
    "design_code",
    "product_id",
    "stripe_payment_intent_id",
];
/// What says which page of a list is meant.
const PAGE: &[&str] = &["limit", "cursor"];

/// What an application is shown from: where it stands, and its answers.
pub(super) const SHOWN: [&str; 2] = ["current-state", "answers"];

type Shared = Arc<Service>;

/// The routes below `/api/design-applications`.
pub(super) fn routes(service: Shared) -> Router {
    Router::new()
        .route(PATH, get(list).post(open))
        .route(&format!("{PATH}/{{id}}"), get(show).post(go_on))
        .with_state(service)
}

/// A page of applications.
#[derive(Debug, Serialize)]
struct Listed {
    applications: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn open(
    State(service): State<Shared>,
    asker: Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    may_be_shown(&asker)?;
    let application: Application = read(&body)?;
    let key = key(&headers)?;
    let meaning = meaning(&asker, key, application.id.as_ref());
    let id = application.id.clone().unwrap_or_else(|| meaning.into());
    let product = application.product_id.clone();
    let commands = application.commands()?;
    service.check_product(&id, product.as_ref()).await?;
    let (position, is_new) = carry_out(&service, &asker, (&id, &commands), meaning).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(LOCATION, format!("{PATH}/{id}"))];
    Ok((status, location, Json(found(&service, &asker, &id, position).await?)).into_response())
}

async fn go_on(
    State(service): State<Shared>,
    Path(id): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Row>, Fault> {
    may_be_shown(&asker)?;
    let (id, more): (AggregateId, More) = (named(&id)?, read(&body)?);
    let meaning = meaning(&asker, key(&headers)?, Some(&id));
    let commands = more.commands()?;
    let (position, _) = carry_out(&service, &asker, (&id, &commands), meaning).await?;
    Ok(Json(found(&service, &asker, &id, position).await?))
}

async fn show(
    State(service): State<Shared>,
    Path(id): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
    asker: Asker,
) -> Result<Json<Row>, Fault> {
    narrowing(given, &[])?;
    let id = named(&id)?;
    let after = service.fresh(Some(&id)).await?;
    Ok(Json(found(&service, &asker, &id, after).await?))
}

async fn list(
    State(service): State<Shared>,
    Query(given): Query<Vec<(String, String)>>,
    asker: Asker,
) -> Result<Json<Listed>, Fault> {
    let mut given = narrowing(given, &[NARROWING, PAGE].concat())?;
    let (limit, cursor) = (given.remove("limit"), given.remove("cursor"));
    let limit = limit.map(|text| text.parse()).transpose();
    let limit = limit.map_err(|_| Problem::invalid("`limit` is to be a whole number"))?;
    let narrowed = |name: &&'static str| Some((*name, given.get(*name)?.as_str()));
    let params: Vec<_> = NARROWING.iter().filter_map(narrowed).collect();
    let after = service.fresh(None).await?;
    let ask = Ask { query: "states", params: &params, after, whole: false, enough: None };
    let (mut applications, next) = service.page(&asker, ask, (limit, cursor.as_deref())).await?;
    applications.iter_mut().for_each(by_its_id);
    Ok(Json(Listed { applications, next }))
}

/// Sends `commands` one after the other; where the last one stands, and whether the first one did
/// something just now. Each has an id of its own that follows from `meaning`, so that what is done is
/// not done again.
async fn carry_out(
    service: &Service,
    asker: &Asker,
    (id, commands): (&AggregateId, &[DesignCommand]),
    meaning: Uuid,
) -> Result<(Position, bool), Problem> {
    for command in commands {
        service.may_send(asker, id, command.name()).await?;
    }
    let steps = (0..commands.len()).map(|step| plan::command_id(meaning, step));
    let steps: Vec<_> = steps.collect::<Result<_, _>>()?;
    rehearse(service, id, (commands, &steps)).await?;
    let (mut position, mut is_new) = (service.fresh(Some(id)).await?, false);
    for (step, (command, command_id)) in commands.iter().zip(steps).enumerate() {
        let body = command.body().map_err(|error| Problem::internal(error.to_string()))?;
        let reply = service.send(asker, id, (command.name(), body), command_id).await?;
        position = position.max(reply.position);
        is_new |= step == 0 && reply.status == Status::Committed;
    }
    Ok((position, is_new))
}

/// Whether the caller may read an application: it is the answer, so that is known before anything is
/// done.
fn may_be_shown(asker: &Asker) -> Result<(), Problem> {
    SHOWN.iter().try_for_each(|query| asker.may_ask(query))
}

/// Whether what is left to do of `commands` would be carried out on the request `id` as it is. What a
/// first attempt has done is not asked again: it stands, whatever has become of the request since.
async fn rehearse(
    service: &Service,
    id: &AggregateId,
    (commands, steps): (&[DesignCommand], &[CommandId]),
) -> Result<(), Problem> {
    let (mut design, mut done) = (Design::default(), BTreeSet::new());
    let visit = |recorded: &Recorded<DesignEvent>| {
        design.evolve(&recorded.event);
        done.extend(steps.iter().position(|step| *step == recorded.metadata.command_id));
    };
    service.past().each::<Design>(id, Position::ZERO, visit).await?;
    let left = commands.iter().enumerate().filter(|(step, _)| !done.contains(step));
    plan::rehearse(design, left.map(|(_, command)| command)).map(drop)
}

/// The application `id` with its product and its current answers.
async fn found(
    service: &Service,
    asker: &Asker,
    id: &AggregateId,
    after: Position,
) -> Result<Row, Problem> {
    let all = |_: &Row| Ok::<_, Problem>(true);
    let [state, answers] = SHOWN;
    let params = [("request_id", id.as_str()), ("is_current", "true")];
    let ask = Ask { query: state, params: &params[..1], after, whole: true, enough: None };
    let mut rows = service.rows(asker, ask, all).await?;
    let Some(mut row) = rows.pop() else {
        return Err(Problem::not_found("there is no such application"));
    };
    let ask = Ask { query: answers, params: &params, ..ask };
    let answers = to_raw_value(&service.rows(asker, ask, all).await?);
    let answers = answers.map_err(|error| Problem::internal(error.to_string()))?;
    row.insert("answers".to_owned(), answers);
    by_its_id(&mut row);
    Ok(row)
}

/// An application goes by the id under which it is asked for. The row's own, that of the event by which it
/// began, is told beside it.
fn by_its_id(row: &mut Row) {
    if let Some(id) = row.get("request_id").cloned()
        && let Some(event) = row.insert("id".to_owned(), id)
    {
        row.insert("event_id".to_owned(), event);
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    json::read(body).map_err(|error| Problem::invalid(error.to_string()))
}

/// The parameters that are `given`: each is one of `known`, and stands once.
fn narrowing(
    given: Vec<(String, String)>,
    known: &[&str],
) -> Result<BTreeMap<String, String>, Problem> {
    let mut narrowed = BTreeMap::new();
    for (name, value) in given {
        if !known.contains(&name.as_str()) {
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            let why = format!("this is not narrowed by {:?} but by {known}", kit::excerpt(&name));
            return Err(Problem::invalid(why));
        }
        if narrowed.contains_key(&name) {
            return Err(Problem::invalid(format!("`{name}` is given twice")));
        }
        narrowed.insert(name, value);
    }
    Ok(narrowed)
}

fn named(id: &str) -> Result<AggregateId, Problem> {
    id.parse().map_err(|error: kit::BadId| Problem::invalid(error.to_string()))
}

/// The caller's key, if there is one.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len()));
    match (text, given.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(Problem::invalid(format!(
            "Idempotency-Key is to stand once, with 1 to {KEY_BYTES_MAX} ASCII characters"
        ))),
    }
}

/// What the key stands for; without one, something new.
fn meaning(asker: &Asker, key: Option<&str>, id: Option<&AggregateId>) -> Uuid {
    key.map_or_else(Uuid::now_v7, |key| plan::meaning(&asker.caller.scope, key, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_unknown_or_there_twice_is_refused() {
        let given =
            |names: &[&str]| names.iter().map(|it| ((*it).to_owned(), "x".to_owned())).collect();
        let known = [NARROWING, PAGE].concat();
        let narrowed =
            |names: &[&str], known| narrowing(given(names), known).map_err(|it| it.status);
        assert_eq!(narrowed(&["email", "limit"], &known).unwrap().len(), 2);
        assert_eq!(narrowed(&["email", "email"], &known), Err(400));
        assert_eq!(narrowed(&["mail"], &known), Err(400));
        assert_eq!(narrowed(&["email"], &[]), Err(400));
    }
}
