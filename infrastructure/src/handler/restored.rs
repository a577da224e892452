//! A log that ends before what its handlers have handled was restored from an older backup. What
//! it lost is not known here, and new commits in the gap would look as if they had been handled, so
//! nothing starts until an operator has decided. Not here: what stands in the lost commits.

use async_nats::jetstream::{self, kv, stream::Stream};
use chrono::Utc;
use futures::TryStreamExt as _;
use kit::Position;
use nats::{Subject, names};
use serde::Serialize;

use super::{
    cell::{Cell, CellError},
    checkpoint::{CheckpointRecord, ResetMark},
    log::end_of,
    registration::Registration,
    report::away,
};
use crate::{
    composition::HandlerKind,
    deadletter::{Queue, QueueAway, Record, Restored},
    problem::Problem,
};

/// A handler that has handled more than the log has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error(
    "log-behind: {handler} has handled the log up to {at}, and the log ends at {last}: it was \
     restored from an older backup"
)]
pub struct LogBehind {
    /// The handler.
    pub handler: String,
    /// Up to where it has handled the log.
    pub at: Position,
    /// The end of the log.
    pub last: Position,
}

/// The policies and effects whose checkpoints are past the end of the log, by name.
///
/// # Errors
/// `unavailable`, if a stream or bucket is missing or does not answer.
pub async fn past_the_end(client: &async_nats::Client) -> Result<Vec<LogBehind>, Problem> {
    let desk = Desk::open(client).await?;
    // In this order: an owner may handle, meanwhile, what comes behind the end.
    let found = desk.places().await?;
    let last = desk.last().await?;
    Ok(found.into_iter().filter_map(|place| place.behind(last)).collect())
}

/// Moves the checkpoints that are past the end of the log back to its end.
///
/// What has been handled stays handled; what comes next is handled again. Stop every instance before.
/// Each handler's history says `who` did it and `why`.
///
/// # Errors
/// `unavailable`, if a stream or bucket is missing or does not answer; `conflict`, if an owner
/// writes at the same time.
pub async fn rewind(
    client: &async_nats::Client,
    (who, why): (&str, &str),
) -> Result<Vec<LogBehind>, Problem> {
    let desk = Desk::open(client).await?;
    let histories = Queue::open(client).await;
    let histories = histories.map_err(|QueueAway(why)| Problem::unavailable(why))?;
    let places = desk.places().await?;
    let last = desk.last().await?;
    let mut moved = Vec::new();
    for place in places {
        let Some(behind) = place.behind(last) else { continue };
        let restored = Restored {
            checkpoint: behind.at,
            to: last,
            who: who.to_owned(),
            why: why.to_owned(),
            time: Utc::now(),
        };
        let body = Record::Restored(Box::new(restored)).encode();
        let body = body.map_err(|error| Problem::invalid(error.to_string()))?;
        let subject = Subject::HandlerReset { handler: place.name.clone() }.to_string();
        let told = histories.append(subject, body, None).await;
        told.map_err(|error| away(names::DLQ, &error))?;
        let record = CheckpointRecord { position: last, epoch: place.epoch, reset: place.reset };
        place.cell.write(&record, place.revision).await.map_err(|error| match error {
            CellError::Conflict => {
                Problem::conflict(format!("{} has an owner that runs; stop it first", place.name))
            }
            error => away(names::CHECKPOINTS, &error),
        })?;
        moved.push(behind);
    }
    Ok(moved)
}

/// Up to where one policy or effect has handled the log, and where that is written.
struct Place {
    name: String,
    at: Position,
    epoch: u64,
    reset: Option<ResetMark>,
    revision: u64,
    cell: Cell<CheckpointRecord>,
}

impl Place {
    fn behind(&self, last: Position) -> Option<LogBehind> {
        let (handler, at) = (self.name.clone(), self.at);
        (at > last).then_some(LogBehind { handler, at, last })
    }
}

struct Desk {
    events: Stream,
    registry: kv::Store,
    checkpoints: kv::Store,
}

impl Desk {
    async fn open(client: &async_nats::Client) -> Result<Self, Problem> {
        let context = jetstream::new(client.clone());
        let bucket =
            async |name| context.get_key_value(name).await.map_err(|error| away(name, &error));
        let events = context.get_stream(names::EVENTS).await;
        Ok(Self {
            events: events.map_err(|error| away(names::EVENTS, &error))?,
            registry: bucket(names::HANDLERS).await?,
            checkpoints: bucket(names::CHECKPOINTS).await?,
        })
    }

    async fn last(&self) -> Result<Position, Problem> {
        end_of(&self.events).await.map_err(|error| away(names::EVENTS, &error))
    }

    async fn places(&self) -> Result<Vec<Place>, Problem> {
        let unread = |error: &dyn std::fmt::Display| away(names::HANDLERS, error);
        let keys = self.registry.keys().await.map_err(|error| unread(&error))?;
        let mut keys: Vec<String> = keys.try_collect().await.map_err(|error| unread(&error))?;
        keys.sort();
        let mut places = Vec::new();
        for key in keys {
            // Whatever else stands in the bucket is no handler.
            let registered: Cell<Registration> = Cell::new(&self.registry, &key);
            let Ok((Some(handler), _)) = registered.read().await else { continue };
            if handler.kind == HandlerKind::Projection {
                continue;
            }
            let cell: Cell<CheckpointRecord> = Cell::new(&self.checkpoints, &key);
            let (found, revision) =
                cell.read().await.map_err(|error| away(names::CHECKPOINTS, &error))?;
            let (at, epoch) =
                found.map_or((handler.since, 0), |found| (found.position, found.epoch));
            let reset = found.and_then(|found| found.reset);
            places.push(Place { name: handler.name, at, epoch, reset, revision, cell });
        }
        Ok(places)
    }
}
