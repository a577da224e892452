//! What tools ask of a projection's owner, and what the owner says: two keys of the bucket
//! `HANDLERS` for each projection. Not here: what the owner does about it.

use async_nats::jetstream;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use kit::Position;
use nats::names;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{claim::STORE, generation::Outcome};
use crate::{
    handler::{Cell, CellError},
    problem::Problem,
};

/// Before the projection's name, in the key of the request.
const REQUEST: &str = "request.";
/// Before the projection's name, in the key of the answer.
const GENERATIONS: &str = "generations.";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum GenerationAction {
    /// Fill a new generation and let it take over.
    Rebuild {
        /// Even if its rows differ from the ones before.
        accept: bool,
    },
    /// Let the generation before answer again.
    Rollback,
    /// Delete a generation that does not answer.
    Drop {
        /// Which; the only one, if none is named.
        generation: Option<i64>,
    },
}

/// A request, as long as no other takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRequest {
    /// Its id.
    pub id: String,
    /// What is asked for.
    #[serde(flatten)]
    pub action: GenerationAction,
    /// Who asks.
    pub by: String,
    /// When.
    pub time: DateTime<Utc>,
}

/// One generation of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationInfo {
    /// Its number.
    pub generation: i64,
    /// The version of the code that folded its rows.
    pub version: u32,
    /// Everything up to here is in its rows, when the owner last said.
    pub position: u64,
    /// What it is there for.
    pub role: GenerationRole,
}

/// What a generation is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationRole {
    /// Queries read it.
    Current,
    /// It is being filled to take over.
    Filling,
    /// It is fed like the current one, ready to take over.
    Standby,
    /// It is not fed: other code folded it, or it has stopped at an event.
    Left,
}

/// How far a generation that is being filled has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillingInfo {
    /// Which one.
    pub generation: i64,
    /// What is being done with it.
    pub phase: FillingPhase,
    /// Everything up to here is in its rows.
    pub position: u64,
    /// Where it is to arrive.
    pub target: u64,
    /// Positions a second.
    pub rate: u64,
    /// Seconds until it arrives, if that can be told.
    pub seconds_left: Option<u64>,
}

/// What is being done with a generation that is to take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum FillingPhase {
    /// Events are folded into it.
    Filling,
    /// It is compared with the current one.
    Comparing,
    /// It has stopped.
    Failed {
        /// At which event, and why.
        reason: String,
    },
}

/// The generations of one projection, as its owner last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationReport {
    /// The projection.
    pub projection: String,
    /// The epoch of the owner who said so.
    pub epoch: u64,
    /// The version of the owner's code.
    pub version: u32,
    /// All of them, by number.
    pub generations: Vec<GenerationInfo>,
    /// The one that is to take over.
    pub filling: Option<FillingInfo>,
    /// How the last request ended.
    pub outcome: Option<Outcome>,
}

impl GenerationReport {
    /// Everything up to here was in the rows that queries read.
    #[must_use]
    pub fn position(&self) -> Position {
        let current = self.generations.iter().find(|it| it.role == GenerationRole::Current);
        current.map_or(Position::ZERO, |it| Position(it.position))
    }
}

/// Whether a key of the bucket `HANDLERS` speaks of the rows in a store.
pub(crate) fn is_of_store(key: &str) -> bool {
    key == STORE || key.starts_with(REQUEST) || key.starts_with(GENERATIONS)
}

pub(crate) fn request_cell(bucket: &jetstream::kv::Store, name: &str) -> Cell<GenerationRequest> {
    Cell::new(bucket, &format!("{REQUEST}{name}"))
}

pub(crate) fn report_cell(bucket: &jetstream::kv::Store, name: &str) -> Cell<GenerationReport> {
    Cell::new(bucket, &format!("{GENERATIONS}{name}"))
}

/// The generations of every projection that an owner has told of, by name.
///
/// # Errors
/// `unavailable`, if the bucket is missing or does not answer.
pub async fn generation_reports(
    client: &async_nats::Client,
) -> Result<Vec<GenerationReport>, Problem> {
    let bucket = bucket(client).await?;
    let keys = bucket.keys().await.map_err(|error| away(&error))?;
    let mut keys: Vec<String> = keys.try_collect().await.map_err(|error| away(&error))?;
    keys.retain(|key| key.starts_with(GENERATIONS));
    keys.sort();
    let mut reports = Vec::with_capacity(keys.len());
    for key in keys {
        let (report, _) = Cell::new(&bucket, &key).read().await.map_err(|error| away(&error))?;
        reports.extend(report);
    }
    Ok(reports)
}

/// The generations of `projection`; none if no owner has told of them.
///
/// # Errors
/// `unavailable`, if the bucket is missing or does not answer.
pub async fn generation_report(
    client: &async_nats::Client,
    projection: &str,
) -> Result<Option<GenerationReport>, Problem> {
    let cell = report_cell(&bucket(client).await?, projection);
    Ok(cell.read().await.map_err(|error| away(&error))?.0)
}

/// The request that was made last, whether it is done or not.
///
/// # Errors
/// `unavailable`, if the bucket is missing or does not answer.
pub async fn standing_request(
    client: &async_nats::Client,
    projection: &str,
) -> Result<Option<GenerationRequest>, Problem> {
    let cell = request_cell(&bucket(client).await?, projection);
    Ok(cell.read().await.map_err(|error| away(&error))?.0)
}

/// Asks the owner of `projection` for `action`. If the same is asked already and not yet done, that
/// request stands for this one too.
///
/// # Errors
/// `not-found` if there is no such projection, `conflict` if something else is being done with it,
/// `unavailable` if the bucket does not answer.
pub async fn request_generation(
    client: &async_nats::Client,
    projection: &str,
    action: GenerationAction,
    by: &str,
) -> Result<GenerationRequest, Problem> {
    let bucket = bucket(client).await?;
    let Some(report) = generation_report(client, projection).await? else {
        return Err(Problem::not_found(format!("no projection {projection:?} has run yet")));
    };
    let cell = request_cell(&bucket, projection);
    let (found, revision) = cell.read().await.map_err(|error| away(&error))?;
    let handled = report.outcome.and_then(|outcome| outcome.request);
    if let Some(found) = found.filter(|found| Some(&found.id) != handled.as_ref()) {
        let cancels = matches!(action, GenerationAction::Drop { .. });
        if found.action == action {
            return Ok(found);
        }
        if !cancels {
            let GenerationRequest { by, time, .. } = found;
            return Err(Problem::conflict(format!(
                "{projection} is at work on what {by} asked for at {time}"
            )));
        }
    }
    let (id, by) = (Uuid::now_v7().to_string(), by.to_owned());
    let request = GenerationRequest { id, action, by, time: Utc::now() };
    cell.write(&request, revision).await.map_err(|error| match error {
        CellError::Conflict => Problem::conflict("another request came first"),
        error => away(&error),
    })?;
    Ok(request)
}

async fn bucket(client: &async_nats::Client) -> Result<jetstream::kv::Store, Problem> {
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    bucket.map_err(|error| away(&error))
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("{} does not answer: {error}", names::HANDLERS))
}
