//! Every handler as any process can see it: from the buckets, without asking its owner.

use std::fmt;

use async_nats::jetstream::{self, kv};
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
use crate::{composition::HandlerKind, durable, problem::Problem, timers};

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
    /// Renewals of the lease, since the lag last shrank, at which it was larger than at the one before.
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
    /// Commits that wait there, parked or behind what is, as its owner last said.
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
    let registry = bucket(client, names::HANDLERS).await?;
    let leases = bucket(client, names::LEASES).await?;
    let checkpoints = bucket(client, names::CHECKPOINTS).await?;
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
        let checkpoint: Cell<CheckpointRecord> = Cell::new(&checkpoints, &key);
        let lease = Leased::read(&leases, &key, now).await?;
        let (checkpoint, _) =
            checkpoint.read().await.map_err(|error| away(names::CHECKPOINTS, &error))?;
        let checkpoint = checkpoint.map(|checkpoint| checkpoint.position);
        reports.push(HandlerReport::of(&handler, checkpoint, lease));
    }
    Ok(reports)
}

/// What an instance does for all beside the handlers, by name; only what has ever been done.
///
/// # Errors
/// `unavailable`, if the bucket is missing or does not answer.
pub async fn duties(client: &async_nats::Client) -> Result<Vec<HandlerReport>, Problem> {
    let leases = bucket(client, names::LEASES).await?;
    let now = leases_time(client).await?;
    let mut reports = Vec::new();
    for name in [durable::LEASE, timers::NAME] {
        let Some(lease) = Leased::read(&leases, name, now).await? else { continue };
        let (name, kind, since) = (name.to_owned(), HandlerKind::Duty, Position::ZERO);
        let duty = Registration { name, kind, since, version: None };
        reports.push(HandlerReport::of(&duty, None, Some(lease)));
    }
    Ok(reports)
}

async fn bucket(client: &async_nats::Client, name: &'static str) -> Result<kv::Store, Problem> {
    let context = jetstream::new(client.clone());
    context.get_key_value(name).await.map_err(|error| away(name, &error))
}

/// A lease, and how old it is.
struct Leased {
    record: LeaseRecord,
    revision: u64,
    renewed_ms: Option<u64>,
    oldest_ms: Option<u64>,
}

impl Leased {
    async fn read(
        leases: &kv::Store,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Problem> {
        let cell: Cell<LeaseRecord> = Cell::new(leases, key);
        let (found, revision, written) =
            cell.read_stamped().await.map_err(|error| away(names::LEASES, &error))?;
        let Some(record) = found else { return Ok(None) };
        let written = written.filter(|_| record.owner.is_some());
        let renewed_ms = written.map(|written| age_ms(written, now));
        let oldest_ms = record.oldest.map(|oldest| age_ms(oldest, now));
        Ok(Some(Self { record, revision, renewed_ms, oldest_ms }))
    }
}

impl HandlerReport {
    fn of(handler: &Registration, checkpoint: Option<Position>, lease: Option<Leased>) -> Self {
        let mut report = Self {
            name: handler.name.clone(),
            kind: handler.kind,
            owner: None,
            epoch: None,
            state: None,
            position: checkpoint.unwrap_or_default(),
            lag: 0,
            lag_ms: None,
            growing: 0,
            handled: 0,
            rate: 0.0,
            skipped: 0,
            refused: 0,
            retries: 0,
            parked: 0,
            waiting: 0,
            breaker: None,
            since: handler.since,
            in_hand: InHand::default(),
            renewed_ms: None,
            stale: false,
        };
        if let Some(Leased { record: lease, revision, renewed_ms, oldest_ms }) = lease {
            report.stale = renewed_ms.is_some_and(|age| age > lease.ttl_ms);
            report.position = checkpoint.unwrap_or(Position(lease.position));
            report.epoch = Some(lease.epoch.unwrap_or(revision));
            (report.lag, report.lag_ms, report.renewed_ms) = (lease.lag, oldest_ms, renewed_ms);
            (report.owner, report.state) = (lease.owner, lease.state);
            (report.growing, report.rate) = (lease.growing, lease.rate);
            (report.handled, report.skipped) = (lease.handled, lease.skipped);
            (report.refused, report.retries) = (lease.refused, lease.retries);
            (report.parked, report.waiting) = (lease.parked, lease.waiting);
            (report.breaker, report.in_hand) = (lease.breaker, lease.in_hand);
        }
        report
    }
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
