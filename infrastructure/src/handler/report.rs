//! Every handler as any process can see it: from the buckets, without asking its owner.

use std::fmt;

use async_nats::jetstream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use kit::Position;
use nats::{
    api::{self, StreamTime},
    buckets, names,
};
use serde::Serialize;

use super::{
    BreakerStatus, HandlerState, InHand, cell::Cell, checkpoint::CheckpointRecord,
    lease::LeaseRecord, registration::Registration,
};
use crate::{composition::HandlerKind, problem::Problem};

/// One handler as the buckets have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// How old the first of them is, by the server's clock, if it is known. At most so old, if it had
    /// not arrived at the owner yet.
    pub lag_ms: Option<u64>,
    /// Renewals of the lease in a row at which the lag was larger than at the one before.
    pub growing: u32,
    /// Events handled since the owner started, as it last said.
    pub handled: u64,
    /// Events that it handled per second before it last renewed its lease.
    pub rate: f64,
    /// Events passed over since the owner started, as it last said.
    pub skipped: u64,
    /// Orders refused since the owner started, as it last said.
    pub refused: u64,
    /// Attempts beyond the first since the owner started, as it last said.
    pub retries: u64,
    /// Keys among the dead letters, as its owner last said.
    pub parked: u64,
    /// Commits that wait behind them, as its owner last said.
    pub waiting: u64,
    /// The circuit breaker of what it depends on outside, as its owner last said.
    pub breaker: Option<BreakerStatus>,
    /// After which position it was registered: what stands before is not for it.
    pub since: Position,
    /// What its owner has in hand, as it last said.
    #[serde(skip)]
    pub in_hand: InHand,
    /// How long ago the owner renewed its lease, by the server's clock.
    pub renewed_ms: Option<u64>,
    /// Whether the owner is late: it has not renewed its lease for longer than that lives, so it is
    /// dead, stopped or cut off, and nobody has taken over.
    pub stale: bool,
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
    let now = leases_time(client).await?;
    let mut reports = Vec::with_capacity(keys.len());
    for key in keys {
        let registered: Cell<Registration> = Cell::new(&registry, &key);
        // Whatever else stands in the bucket is no handler.
        let Ok((Some(handler), _)) = registered.read().await else { continue };
        let lease: Cell<LeaseRecord> = Cell::new(&leases, &key);
        let lease = lease.read_stamped().await;
        let (lease, revision, written) = lease.map_err(|error| away(names::LEASES, &error))?;
        let checkpoint: Cell<CheckpointRecord> = Cell::new(&checkpoints, &key);
        let (checkpoint, _) =
            checkpoint.read().await.map_err(|error| away(names::CHECKPOINTS, &error))?;
        let owned = lease.as_ref().filter(|lease| lease.owner.is_some());
        let renewed_ms = owned.zip(written).map(|(_, written)| age_ms(written, now));
        let late = |lease: &LeaseRecord| renewed_ms.is_some_and(|age| age > lease.ttl_ms);
        let said = lease.as_ref().map_or(0, |lease| lease.position);
        reports.push(HandlerReport {
            since: handler.since,
            in_hand: lease.as_ref().map_or_else(InHand::default, |it| it.in_hand.clone()),
            name: handler.name,
            kind: handler.kind,
            owner: lease.as_ref().and_then(|lease| lease.owner.clone()),
            epoch: lease.as_ref().map(|lease| lease.epoch.unwrap_or(revision)),
            position: checkpoint.map_or(Position(said), |checkpoint| checkpoint.position),
            lag: lease.as_ref().map_or(0, |lease| lease.lag),
            lag_ms: lease.as_ref().and_then(|lease| lease.oldest).map(|oldest| age_ms(oldest, now)),
            growing: lease.as_ref().map_or(0, |lease| lease.growing),
            handled: lease.as_ref().map_or(0, |lease| lease.handled),
            rate: lease.as_ref().map_or(0.0, |lease| lease.rate),
            skipped: lease.as_ref().map_or(0, |lease| lease.skipped),
            refused: lease.as_ref().map_or(0, |lease| lease.refused),
            retries: lease.as_ref().map_or(0, |lease| lease.retries),
            parked: lease.as_ref().map_or(0, |lease| lease.parked),
            waiting: lease.as_ref().map_or(0, |lease| lease.waiting),
            breaker: lease.as_ref().and_then(|lease| lease.breaker.clone()),
            renewed_ms,
            stale: owned.is_some_and(late),
            state: lease.and_then(|lease| lease.state),
        });
    }
    Ok(reports)
}

/// The time by the clock that stamps the leases: the clocks of this machine and of owners may differ
/// from it.
async fn leases_time(client: &async_nats::Client) -> Result<DateTime<Utc>, Problem> {
    let subject = api::stream_info(&buckets::stream_of(names::LEASES));
    let answer = client.request(subject, Bytes::new()).await;
    let answer = answer.map_err(|error| away(names::LEASES, &error))?;
    let time: StreamTime =
        serde_json::from_slice(&answer.payload).map_err(|error| away(names::LEASES, &error))?;
    Ok(time.ts)
}

/// Milliseconds from `written` to `now`; none for what was written after `now` was asked.
fn age_ms(written: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    u64::try_from((now - written).num_milliseconds()).unwrap_or_default()
}

pub(super) fn away(what: &str, error: &dyn fmt::Display) -> Problem {
    Problem::unavailable(format!("{what} does not answer: {error}"))
}
