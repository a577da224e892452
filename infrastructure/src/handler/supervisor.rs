//! One handler over many epochs: contend for the lease, work under it, begin again when it is
//! lost, or when somebody wants a handler that halted to go back.

mod begin;

use std::sync::Arc;

use async_nats::jetstream::{kv, stream::Stream};
use kit::Position;
use nats::Subject;
use tokio::{
    sync::{Notify, Semaphore},
    time,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    breaker::Breaker,
    cell::Cell,
    duty::{Duty, Ended, Pressure},
    effect::Performance,
    lease::{Contender, Lease},
    log::{LAG_INTERVAL, Lag, Log},
    options::HandlerOptions,
    orders::Dispatch,
    policy::Orders,
    reactor::RunHandler,
    registration::Registration,
    status::{Gauge, HandlerState, HandlerStatus},
};
use crate::{
    composition::{HandlerInfo, HandlerPart},
    deadletter::{Queue, Record, Resets},
    readmodel::{AnyProjection, Store},
    sealing::Keys,
};
use begin::BeginError;

/// What all handlers of one instance share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) client: async_nats::Client,
    pub(super) events: Stream,
    pub(super) leases: kv::Store,
    pub(super) checkpoints: kv::Store,
    pub(super) letters: Queue,
    pub(super) registry: kv::Store,
    pub(super) options: HandlerOptions,
    /// What opens what is sealed in the log.
    pub(super) keys: Option<Keys>,
    pub(super) stop: CancellationToken,
}

/// One handler of this instance.
pub(super) struct Supervisor {
    pub(super) shared: Shared,
    pub(super) info: HandlerInfo,
    pub(super) work: Work,
    pub(super) log: Log,
    pub(super) since: Position,
    pub(super) gauge: Gauge,
    pub(super) poke: Arc<Notify>,
}

/// What a handler runs.
pub(super) enum Work {
    React(Arc<dyn RunHandler>),
    Project(Arc<dyn AnyProjection>, Store),
}

impl Work {
    /// The work of `part`; a projection needs its store.
    pub(super) fn of(
        part: &HandlerPart,
        dispatch: &Dispatch,
        breaker: Option<Breaker>,
        store: Option<&Store>,
    ) -> Option<Self> {
        let dispatch = dispatch.clone();
        match part {
            HandlerPart::Policy(policy) => {
                Some(Self::React(Arc::new(Orders { policy: Arc::clone(policy), dispatch })))
            }
            HandlerPart::Effect(effect) => {
                let effect = Arc::clone(effect);
                Some(Self::React(Arc::new(Performance { effect, dispatch, breaker })))
            }
            HandlerPart::Batch(effect) => Some(Self::React(effect.handler(dispatch, breaker))),
            HandlerPart::Projection(projection) => {
                store.map(|store| Self::Project(Arc::clone(projection), store.clone()))
            }
        }
    }
}

impl Supervisor {
    pub(super) fn new(
        shared: &Shared,
        part: &HandlerPart,
        work: Work,
        gauge: Gauge,
        registration: &Registration,
    ) -> Self {
        let info = part.info();
        Self {
            shared: shared.clone(),
            info,
            work,
            log: Log::new(&shared.client, &shared.events, &part.aggregates())
                .opening(shared.keys.as_ref().filter(|_| part.opens())),
            since: registration.since,
            gauge,
            poke: Arc::new(Notify::new()),
        }
    }

    pub(super) async fn run(self) {
        let cell = Cell::new(&self.shared.leases, self.info.name);
        let options = &self.shared.options;
        let (owner, ttl) = (options.instance.clone(), options.lease_ttl);
        let mut contender = Contender::new(cell, self.gauge.clone(), owner, ttl);
        let mut tried = None;
        loop {
            self.gauge.waiting();
            let lease = tokio::select! {
                () = self.shared.stop.cancelled() => break,
                lease = contender.win() => lease,
            };
            self.gauge.running(lease.epoch);
            let (handler, epoch) = (self.info.name, lease.epoch);
            tracing::info!(handler, epoch, "owned");
            let mut ended = tokio::select! {
                ended = self.epoch(&lease) => ended,
                () = self.survey(epoch), if self.is_projection() => Ended::Lost,
            };
            if let Ended::Halted(reason) = &ended {
                tracing::error!(handler, epoch, "halted: {reason}");
                self.gauge.halted(reason.clone());
                // The lease stays: another owner would only halt at the same event.
                tokio::select! {
                    () = self.shared.stop.cancelled() => {}
                    () = lease.lost.cancelled() => continue,
                    () = self.survey(epoch) => {}
                    request = self.asked_back(tried), if !self.is_projection() => {
                        (tried, ended) = (Some(request), Ended::Reset);
                    }
                }
            }
            if ended == Ended::Reset {
                lease.release().await;
                continue;
            }
            if ended == Ended::Lost {
                tracing::warn!(handler, epoch, "lost");
                continue;
            }
            self.gauge.stopped();
            return lease.release().await;
        }
        self.gauge.stopped();
    }

    const fn is_projection(&self) -> bool {
        matches!(self.work, Work::Project(..))
    }

    /// Keeps the lag true while the handler stands still and reads nothing. Never ends.
    async fn survey(&self, epoch: u64) {
        let mut look = time::interval(LAG_INTERVAL);
        look.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let HandlerStatus { state, position, .. } = self.gauge.now();
            let stands =
                matches!(state, HandlerState::Halted { .. } | HandlerState::Retrying { .. });
            // Without a position it has not begun.
            if !stands || position == 0 {
                continue;
            }
            let name = format!("lag-{}-{epoch}", self.info.name);
            if let Ok(Lag { commits, oldest }) = self.log.lag(Position(position), name).await {
                self.gauge.lags(position, commits, oldest);
            }
        }
    }

    /// Waits until somebody asks for events to be delivered again, with another request than the one
    /// that was `tried`: an epoch that halts before it is followed would halt again.
    async fn asked_back(&self, tried: Option<Uuid>) -> Uuid {
        let subject = Subject::HandlerReset { handler: self.info.name.to_owned() }.to_string();
        let mut look = time::interval(LAG_INTERVAL);
        look.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut resets = Resets::default();
        loop {
            look.tick().await;
            // In vain while the queue is away.
            let told = self.shared.letters.tail(&subject, resets.last).await.unwrap_or_default();
            for it in told {
                resets.apply(it.sequence, Record::decode(&it.body).ok().as_ref());
            }
            let pending = resets.pending.as_ref().map(|reset| reset.request);
            if let Some(request) = pending.filter(|request| Some(*request) != tried) {
                return request;
            }
        }
    }

    /// Works until the epoch ends. Dropping the work when the lease is lost ends it at once.
    async fn epoch(&self, lease: &Lease) -> Ended {
        let duty = Duty {
            name: self.info.name,
            epoch: lease.epoch,
            options: self.shared.options.clone(),
            gauge: self.gauge.clone(),
            places: Arc::new(Semaphore::new(self.shared.options.lanes_max.max(1))),
            pressure: Arc::new(Pressure::default()),
            validity: lease.validity(),
            lost: lease.lost.clone(),
            stop: self.shared.stop.child_token(),
        };
        let mut backoff = duty.backoff();
        loop {
            let why = tokio::select! {
                biased;
                () = lease.lost.cancelled() => return Ended::Lost,
                () = duty.stop.cancelled() => return Ended::Stopped,
                begun = self.begin(&duty) => match begun {
                    Ok(work) => return work.await,
                    Err(BeginError::Fenced) => return Ended::Lost,
                    Err(BeginError::Unfit(why)) => return Ended::Halted(why),
                    Err(BeginError::Away(why)) => why,
                },
            };
            self.gauge.retrying(&why, false);
            if !duty.pause(backoff.next()).await {
                return Ended::Stopped;
            }
            self.gauge.running(lease.epoch);
        }
    }
}
