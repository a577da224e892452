//! Who owns a handler: a key of the bucket `LEASES`, renewed by compare-and-set.
//!
//! The revision at which a lease was acquired is its epoch. A contender takes over when the
//! revision has stood still for the holder's own time to live by the contender's monotonic clock,
//! which it starts after reading; the holder counts from before it wrote. So their times cannot
//! overlap, whatever their wall clocks say. Not here: what the owner does.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use super::{
    breaker::BreakerStatus,
    cell::{Cell, CellError},
    in_hand::InHand,
    status::{Gauge, HandlerState},
    trend::Trend,
};

/// Renewals in one time to live: two may be lost.
const RENEWALS: u32 = 3;

/// What the bucket holds for one handler. Everything but owner, epoch and time to live is for
/// people, and as old as the last renewal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LeaseRecord {
    pub(crate) owner: Option<String>,
    /// None in the write that acquires: its own revision is the epoch.
    pub(crate) epoch: Option<u64>,
    pub(crate) ttl_ms: u64,
    pub(crate) state: Option<HandlerState>,
    pub(crate) position: u64,
    pub(crate) lag: u64,
    pub(crate) refused: u64,
    pub(crate) retries: u64,
    /// Absent in what older code wrote.
    #[serde(default)]
    pub(crate) parked: u64,
    #[serde(default)]
    pub(crate) waiting: u64,
    #[serde(default)]
    pub(crate) breaker: Option<BreakerStatus>,
    #[serde(default)]
    pub(crate) skipped: u64,
    #[serde(default)]
    pub(crate) handled: u64,
    #[serde(default)]
    pub(crate) rate: f64,
    #[serde(default)]
    pub(crate) growing: u32,
    #[serde(default)]
    pub(crate) oldest: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) in_hand: InHand,
}

/// Until when a lease is surely ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    until: Instant,
    /// The same by the wall clock as it stood at the renewal, for deadlines on commands.
    pub(crate) deadline: DateTime<Utc>,
}

impl Validity {
    fn from_now(ttl: Duration) -> Self {
        Self { until: Instant::now() + ttl, deadline: Utc::now() + ttl }
    }

    pub(crate) fn holds(&self) -> bool {
        Instant::now() < self.until
    }
}

/// An instance that would like to own one handler.
pub(crate) struct Contender {
    cell: Cell<LeaseRecord>,
    gauge: Gauge,
    owner: String,
    ttl: Duration,
    stands: Option<(u64, Instant)>,
}

impl Contender {
    pub(crate) const fn new(
        cell: Cell<LeaseRecord>,
        gauge: Gauge,
        owner: String,
        ttl: Duration,
    ) -> Self {
        Self { cell, gauge, owner, ttl, stands: None }
    }

    /// Waits until the lease is ours.
    pub(crate) async fn win(&mut self) -> Lease {
        loop {
            match self.attempt().await {
                Ok(Some(lease)) => return lease,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "no lease yet"),
            }
            time::sleep(self.ttl / 10).await;
        }
    }

    async fn attempt(&mut self) -> Result<Option<Lease>, CellError> {
        let (found, revision) = self.cell.read().await?;
        let Some(record) = found else { return self.acquire(revision).await };
        // A former process of our own name is dead: the name is unique among the living.
        if record.owner.as_ref().is_none_or(|owner| *owner == self.owner) {
            return self.acquire(revision).await;
        }
        match self.stands {
            Some((seen, since)) if seen == revision => {
                if since.elapsed() < Duration::from_millis(record.ttl_ms) {
                    return Ok(None);
                }
                self.acquire(revision).await
            }
            _ => {
                self.stands = Some((revision, Instant::now()));
                Ok(None)
            }
        }
    }

    async fn acquire(&mut self, revision: u64) -> Result<Option<Lease>, CellError> {
        let validity = Validity::from_now(self.ttl);
        let record = LeaseRecord {
            state: Some(HandlerState::Running),
            ..record(&self.gauge, Some(&self.owner), None, self.ttl)
        };
        self.stands = None;
        match self.cell.write(&record, revision).await {
            Ok(epoch) => Ok(Some(self.hold(epoch, validity))),
            Err(CellError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn hold(&self, epoch: u64, validity: Validity) -> Lease {
        let (sender, receiver) = watch::channel(validity);
        let (lost, release) = (CancellationToken::new(), CancellationToken::new());
        let status = self.gauge.now();
        let keeper = Keeper {
            cell: self.cell.clone(),
            gauge: self.gauge.clone(),
            owner: self.owner.clone(),
            ttl: self.ttl,
            epoch,
            revision: epoch,
            validity: sender,
            trend: Trend::new(Instant::now(), status.handled, status.lag),
        };
        let keeping = tokio::spawn(keeper.keep(lost.clone(), release.clone()));
        Lease { epoch, lost, release, validity: receiver, keeping }
    }
}

/// Ownership of one handler, kept by a task of its own until it is lost, released or dropped.
pub(crate) struct Lease {
    pub(crate) epoch: u64,
    /// Cancelled as soon as the lease may belong to another.
    pub(crate) lost: CancellationToken,
    release: CancellationToken,
    validity: watch::Receiver<Validity>,
    keeping: JoinHandle<()>,
}

impl Lease {
    pub(crate) fn validity(&self) -> watch::Receiver<Validity> {
        self.validity.clone()
    }

    /// Gives the lease back, so that another takes over at once.
    pub(crate) async fn release(mut self) {
        self.release.cancel();
        // Fails only if the keeper panicked; then the lease runs out by itself.
        let _ = (&mut self.keeping).await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeping.abort();
        self.lost.cancel();
    }
}

struct Keeper {
    cell: Cell<LeaseRecord>,
    gauge: Gauge,
    owner: String,
    ttl: Duration,
    epoch: u64,
    revision: u64,
    validity: watch::Sender<Validity>,
    trend: Trend,
}

impl Keeper {
    async fn keep(mut self, lost: CancellationToken, release: CancellationToken) {
        let _lost_when_done = lost.drop_guard();
        let mut status = self.gauge.watch();
        let mut shown = HandlerState::Running;
        let mut due = Instant::now() + self.ttl / RENEWALS;
        loop {
            tokio::select! {
                () = release.cancelled() => return self.give_back().await,
                () = time::sleep_until(due.into()) => {}
                Ok(()) = status.changed() => {
                    // Only another state is worth a write of its own.
                    let state = status.borrow_and_update().state.clone();
                    if std::mem::discriminant(&state) == std::mem::discriminant(&shown) {
                        continue;
                    }
                    shown = state;
                }
            }
            let until = self.validity.borrow().until;
            match time::timeout_at(until.into(), self.renew()).await {
                Ok(Ok(())) => due = Instant::now() + self.ttl / RENEWALS,
                Ok(Err(CellError::Away(_))) if Instant::now() < until => {
                    due = Instant::now() + self.ttl / 20;
                }
                Ok(Err(error)) => return tracing::warn!(%error, "the lease is lost"),
                Err(_) => return tracing::warn!("the lease ran out before it could be renewed"),
            }
        }
    }

    async fn renew(&mut self) -> Result<(), CellError> {
        loop {
            let validity = Validity::from_now(self.ttl);
            let record = record(&self.gauge, Some(&self.owner), Some(self.epoch), self.ttl);
            let interval = self.ttl / RENEWALS / 2;
            self.trend.look(Instant::now(), interval, record.handled, record.lag);
            let Trend { rate, growing, .. } = self.trend;
            let record = LeaseRecord { rate, growing, ..record };
            match self.cell.write(&record, self.revision).await {
                Ok(revision) => {
                    self.revision = revision;
                    self.validity.send_replace(validity);
                    return Ok(());
                }
                // Contenders may have counted since that renewal landed, so renew once more.
                Err(CellError::Conflict) => self.revision = self.landed().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The revision of an own renewal whose answer was lost.
    async fn landed(&self) -> Result<u64, CellError> {
        let (found, revision) = self.cell.read().await?;
        let ours = |record: &LeaseRecord| record.epoch == Some(self.epoch);
        if found.as_ref().is_some_and(ours) { Ok(revision) } else { Err(CellError::Conflict) }
    }

    async fn give_back(&self) {
        let record = record(&self.gauge, None, Some(self.epoch), self.ttl);
        let written = time::timeout(self.ttl, self.cell.write(&record, self.revision)).await;
        if !matches!(written, Ok(Ok(_))) {
            tracing::debug!("the lease was not given back and will run out");
        }
    }
}

fn record(gauge: &Gauge, owner: Option<&String>, epoch: Option<u64>, ttl: Duration) -> LeaseRecord {
    let status = gauge.now();
    LeaseRecord {
        owner: owner.cloned(),
        epoch,
        ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
        state: Some(status.state),
        position: status.position,
        lag: status.lag,
        refused: status.refused,
        retries: status.retries,
        parked: status.parked,
        waiting: status.waiting,
        breaker: status.breaker,
        skipped: status.skipped,
        handled: status.handled,
        rate: 0.0,
        growing: 0,
        oldest: status.oldest,
        in_hand: status.in_hand,
    }
}
