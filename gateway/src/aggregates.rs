//! `GET /v1/aggregates/{aggregate}/{id}`: an aggregate as it is or was, and its history page by page.
//! Read from the log itself, so a state is never behind, and holds what no projection keeps.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hyper::{
    HeaderMap, StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};
use infrastructure::{envelope, histories::At, problem::Problem, record::Record, store::Page};
use kit::{AggregateId, Position, Version};
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;

use crate::{
    access::Asks,
    cursor::Cursor,
    edge,
    etag::{self, Tags},
    params::{self, Params},
    problem::Fault,
    service::Service,
};

/// Events in one page.
const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 200;

/// The state at the end of the history, at a version, or at a time.
pub(crate) async fn state(
    State(service): State<Arc<Service>>,
    Path((aggregate, id)): Path<(String, String)>,
    asks: Asks,
    map: HeaderMap,
    mut params: Params,
) -> Result<Response, Fault> {
    asks.to_read(Some(&aggregate), Some(&id))?;
    let id = read_id(&id)?;
    asks.claim_read((Some(&aggregate), Some(&id)), &service.histories).await?;
    let known = Tags::read(&map, &IF_NONE_MATCH)?;
    let at = match (params.number("version")?, params.read::<DateTime<Utc>>("at", TIME)?) {
        (Some(0), None) => return Err(params::bad("version", "versions begin with 1").into()),
        (Some(version), None) => At::Version(Version(version)),
        (None, Some(time)) => At::Time(time),
        (None, None) => At::Now,
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("give `version` or `at`, not both").into());
        }
    };
    params.end()?;
    let _place = place(&service)?;
    let past = service.histories.state(&aggregate, &id, at).await?;
    let mut response = match known {
        Some(known) if known.name(past.version) => StatusCode::NOT_MODIFIED.into_response(),
        _ => Json(&past).into_response(),
    };
    if let Ok(tag) = etag::of(past.version).parse() {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

const TIME: &str = "a time such as 2026-11-20T12:00:00Z";

/// Some events of the history, and where the next ones are.
pub(crate) async fn history(
    State(service): State<Arc<Service>>,
    Path((aggregate, id)): Path<(String, String)>,
    asks: Asks,
    mut params: Params,
) -> Result<Json<Value>, Fault> {
    asks.to_read(Some(&aggregate), Some(&id))?;
    let id = read_id(&id)?;
    asks.claim_read((Some(&aggregate), Some(&id)), &service.histories).await?;
    let limit = params.number("limit")?.unwrap_or(LIMIT_DEFAULT);
    let behind = params.read::<Cursor>("cursor", "the `next` of an earlier page")?;
    params.end()?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        let why = format!("expected 1 to {LIMIT_MAX}");
        return Err(params::bad("limit", why).into());
    }
    let behind = behind.unwrap_or_default();
    let _place = place(&service)?;
    let page = service.histories.page(&aggregate, &id, behind.before()).await?;
    Ok(Json(shown(&page, behind, usize::try_from(limit).unwrap_or(usize::MAX))?))
}

fn shown(page: &Page, behind: Cursor, limit: usize) -> Result<Value, Problem> {
    let (mut events, mut last) = (Vec::new(), behind);
    for commit in &page.commits {
        let elements =
            envelope::decode(&commit.body).map_err(|error| corrupt(commit.position, &error))?;
        for (index, element) in elements.iter().enumerate() {
            let at = Cursor::at(commit.position, index);
            if at <= behind {
                continue;
            }
            if events.len() == limit {
                return Ok(json!({"events": events, "next": last.to_string()}));
            }
            let record = Record::new(element, commit.position, index, true);
            let record = serde_json::to_value(record);
            events.push(record.map_err(|error| Problem::internal(error.to_string()))?);
            last = at;
        }
    }
    let next = page.more.then(|| last.to_string());
    Ok(json!({"events": events, "next": next}))
}

fn corrupt(position: Position, error: &dyn std::fmt::Display) -> Problem {
    Problem::corrupt(format!("position {position}: {error}"))
}

pub(crate) fn read_id(text: &str) -> Result<AggregateId, Problem> {
    text.parse().map_err(|bad| Problem::invalid(format!("{bad}")))
}

fn place(service: &Service) -> Result<SemaphorePermit<'_>, Fault> {
    service.reads.try_acquire().map_err(|_| edge::busy("too many histories are being read"))
}
