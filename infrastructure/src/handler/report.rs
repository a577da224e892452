//! Every handler as any process can see it: from the buckets, without asking its owner.

use std::fmt;

use async_nats::jetstream;
use futures::TryStreamExt as _;
use kit::Position;
use nats::names;
use serde::Serialize;

use super::{
    HandlerState, cell::Cell, checkpoint::CheckpointRecord, lease::LeaseRecord,
    registration::Registration,
};
use crate::{composition::HandlerKind, problem::Problem};

/// One handler as the buckets have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerReport {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: HandlerKind,
    /// The instance that owns it, or owned it until its lease ran out.
    pub owner: Option<String>,
    /// The epoch of that owner.
    pub epoch: Option<u64>,
    /// What the owner said it was doing when it renewed its lease.
    pub state: Option<HandlerState>,
    /// How far it has come: as checkpointed, and for a projection as its owner last said.
    pub position: Position,
    /// Commits of its aggregates before it, as its owner last said.
    pub lag: u64,
    /// Orders refused since the owner started, as it last said.
    pub refused: u64,
    /// Attempts beyond the first since the owner started, as it last said.
    pub retries: u64,
}

/// Every registered handler, by name.
///
/// # Errors
/// `unavailable`, if a bucket is missing or does not answer.
pub async fn report(client: &async_nats::Client) -> Result<Vec<HandlerReport>, Problem> {
    let context = jetstream::new(client.clone());
    let bucket = async |name| context.get_key_value(name).await.map_err(|error| away(name, &error));
    let registry = bucket(names::HANDLERS).await?;
    let leases = bucket(names::LEASES).await?;
    let checkpoints = bucket(names::CHECKPOINTS).await?;
    let keys = registry.keys().await.map_err(|error| away(names::HANDLERS, &error))?;
    let mut keys: Vec<String> =
        keys.try_collect().await.map_err(|error| away(names::HANDLERS, &error))?;
    keys.sort();
    let mut reports = Vec::with_capacity(keys.len());
    for key in keys {
        let registered: Cell<Registration> = Cell::new(&registry, &key);
        // Whatever else stands in the bucket is no handler.
        let Ok((Some(handler), _)) = registered.read().await else { continue };
        let lease: Cell<LeaseRecord> = Cell::new(&leases, &key);
        let (lease, revision) = lease.read().await.map_err(|error| away(names::LEASES, &error))?;
        let checkpoint: Cell<CheckpointRecord> = Cell::new(&checkpoints, &key);
        let (checkpoint, _) =
            checkpoint.read().await.map_err(|error| away(names::CHECKPOINTS, &error))?;
        let said = lease.as_ref().map_or(0, |lease| lease.position);
        reports.push(HandlerReport {
            name: handler.name,
            kind: handler.kind,
            owner: lease.as_ref().and_then(|lease| lease.owner.clone()),
            epoch: lease.as_ref().map(|lease| lease.epoch.unwrap_or(revision)),
            position: checkpoint.map_or(Position(said), |checkpoint| checkpoint.position),
            lag: lease.as_ref().map_or(0, |lease| lease.lag),
            refused: lease.as_ref().map_or(0, |lease| lease.refused),
            retries: lease.as_ref().map_or(0, |lease| lease.retries),
            state: lease.and_then(|lease| lease.state),
        });
    }
    Ok(reports)
}

fn away(what: &str, error: &dyn fmt::Display) -> Problem {
    Problem::unavailable(format!("{what} does not answer: {error}"))
}
