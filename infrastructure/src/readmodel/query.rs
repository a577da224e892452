//! Queries over the read models, each with `after`.
//! Not here: subjects and messages, and what the styles of projections answer.

mod documents;
mod tables;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use kit::Position;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::{
    sync::Notify,
    time::{self, Duration, Instant},
};

use super::{
    AnyProjection, Rows,
    params::Wait,
    query::{documents::Documents, tables::Tables},
    reader::Snapshot,
    store::Store,
};
use crate::{
    handler::{Gauge, HandlerState},
    problem::Problem,
    query::{Queries, QueryInfo},
};

pub(super) use tables::Row;

/// How often a waiting query looks at the store if its projection runs in another process.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Whether this instance's store is the one with the log's read models.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    Here(Store),
    /// Why not.
    Elsewhere(Problem),
}

/// A projection as queries see it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) projection: Arc<dyn AnyProjection>,
    pub(crate) gauge: Gauge,
    /// Asks the projection to look for the end of the log.
    pub(crate) poke: Arc<Notify>,
}

/// The read models of one instance. Cheap to clone.
#[derive(Clone)]
pub struct ReadModels {
    standing: Standing,
    served: Arc<[Served]>,
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    position: Position,
    /// Keys of events that stand still among the dead letters.
    parked: u64,
    #[serde(flatten)]
    found: Found,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    One { document: Box<RawValue> },
    Many { documents: Vec<Box<RawValue>>, next: Option<String> },
    Counts { counts: BTreeMap<String, u64> },
    Rows { rows: Vec<tables::Row>, next: Option<String> },
}

impl std::fmt::Debug for ReadModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadModels").field("standing", &self.standing).finish_non_exhaustive()
    }
}

impl ReadModels {
    pub(crate) fn new(standing: Standing, served: Vec<Served>) -> Self {
        Self { standing, served: served.into() }
    }

    async fn answer(&self, projection: &str, name: &str, body: &[u8]) -> Result<Bytes, Problem> {
        let store = match &self.standing {
            Standing::Here(store) => store,
            Standing::Elsewhere(problem) => return Err(problem.clone()),
        };
        let Some(served) = self.served.iter().find(|s| s.projection.name() == projection) else {
            return Err(Problem::unknown_query(format!("there is no projection {projection:?}")));
        };
        let answer = match served.projection.rows() {
            Rows::Documents(documents) => {
                Documents { served, documents, store }.answer(name, body).await
            }
            Rows::Tables(declared) => Tables { served, declared, store }.answer(name, body).await,
        }?;
        let json = serde_json::to_vec(&answer)
            .map_err(|error| Problem::corrupt(format!("the answer has no JSON form: {error}")))?;
        Ok(json.into())
    }
}

impl Queries for ReadModels {
    fn catalogue(&self) -> Vec<QueryInfo> {
        match self.standing {
            Standing::Elsewhere(_) => Vec::new(),
            Standing::Here(_) => {
                let info = |served: &Served| QueryInfo {
                    projection: served.projection.name(),
                    names: match served.projection.rows() {
                        Rows::Documents(_) => documents::NAMES.to_vec(),
                        Rows::Tables(declared) => tables::names(&declared),
                    },
                };
                self.served.iter().map(info).collect()
            }
        }
    }

    async fn query(&self, projection: &str, name: &str, body: Bytes) -> Result<Bytes, Problem> {
        self.answer(projection, name, &body).await
    }
}

impl Served {
    /// A snapshot with all rows, of this version, that holds everything up to `wait.after`; rows of
    /// older code do as well unless something is `sought` in them.
    async fn reached(&self, store: &Store, wait: Wait, sought: bool) -> Result<Snapshot, Problem> {
        let until = Instant::now() + wait.patience;
        let mut status = self.gauge.watch();
        loop {
            status.mark_unchanged();
            let snapshot =
                store.snapshot(self.projection.name()).await.map_err(|error| away(&error))?;
            let missing = match self.whole(snapshot, wait.after, sought) {
                Ok(snapshot) => return Ok(snapshot),
                Err(missing) => missing,
            };
            if Instant::now() >= until {
                return Err(missing);
            }
            self.poke.notify_one();
            let look = (Instant::now() + LOOK_INTERVAL).min(until);
            // Whichever comes first, the store has the answer.
            let _ = time::timeout_at(look, status.changed()).await;
        }
    }

    /// Not all rows are no answer. Documents of older code are, as they were stored: of one shape,
    /// as long as none of newer code has taken their place. The values by which they are found are
    /// not, for this code may normalise what is sought in another way.
    fn whole(
        &self,
        snapshot: Option<Snapshot>,
        after: Position,
        sought: bool,
    ) -> Result<Snapshot, Problem> {
        let (name, version) = (self.projection.name(), self.projection.version());
        let Some(snapshot) = snapshot else { return Err(self.late(Position::ZERO, after)) };
        let Snapshot { position, complete_at, version: folded, filling, .. } = snapshot;
        if folded > version || (folded < version && (sought || position < after)) {
            let ahead = filling.map(|(at, of)| format!("; a new generation is at {at} of {of}"));
            let ahead = ahead.unwrap_or_default();
            return Err(Problem::unavailable(format!(
                "the rows of {name} stand at {position}, folded by version {folded} of its code, \
                 this is {version}{ahead}"
            )));
        }
        if position < complete_at {
            return Err(Problem::unavailable(format!(
                "{name} is being folded: at {position} of {complete_at}"
            )));
        }
        if position < after { Err(self.late(position, after)) } else { Ok(snapshot) }
    }

    fn late(&self, stands: Position, after: Position) -> Problem {
        let name = self.projection.name();
        let behind = after.0.saturating_sub(stands.0);
        let why = match self.gauge.now().state {
            HandlerState::Halted { reason } => format!("; it has halted: {reason}"),
            HandlerState::Retrying { reason } => format!("; it is trying again: {reason}"),
            HandlerState::Waiting | HandlerState::Running | HandlerState::Stopped => String::new(),
        };
        Problem::timeout(format!("{name} is at {stands}, {behind} behind {after}{why}"))
    }
}

async fn ready(mut snapshot: Snapshot, found: Found) -> Result<Answer, Problem> {
    let (parked, _) = snapshot.parked(None).await.map_err(|error| away(&error))?;
    Ok(Answer { status: "ready", position: snapshot.position, parked, found })
}

fn away(error: &sqlx::Error) -> Problem {
    Problem::unavailable(format!("the store does not answer: {error}"))
}
