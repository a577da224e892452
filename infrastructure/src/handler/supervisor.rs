//! One handler over many epochs: contend for the lease, work under it, begin again when it is
//! lost.

use std::sync::{Arc, Mutex};

use async_nats::jetstream::{kv, stream::Stream};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kit::Position;
use tokio::{
    sync::{Notify, Semaphore},
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    breaker::Breaker,
    cell::Cell,
    checkpoint::{Checkpoint, CheckpointError},
    duty::{Duty, Ended, Pressure},
    effect::Performance,
    feed::Feed,
    lease::{Contender, Lease},
    log::{LAG_INTERVAL, Lag, Log, LogAway},
    options::HandlerOptions,
    orders::Dispatch,
    policy::Orders,
    reactor::RunHandler,
    registration::Registration,
    runner::{self, Begun},
    status::{Gauge, HandlerState, HandlerStatus},
    waits::Waits,
};
use crate::{
    composition::{HandlerInfo, HandlerPart},
    deadletter::{Book, BookError, Queue, Reset},
    fail_points,
    readmodel::{self, AnyProjection, Conductor, Desk, Letters, Store, TakeOverError},
};

/// Counts of waiting commits that are asked for at the same time.
const COUNTS_AT_ONCE: usize = 16;
/// How often the commits of one key are counted at most, if others come meanwhile.
const LOOKS_MAX: u32 = 3;

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

/// Why an epoch's work did not begin.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error("a later owner has come")]
    Fenced,
    #[error("{0}")]
    Unfit(String),
    #[error("{0}")]
    Away(String),
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
            log: Log::new(&shared.client, &shared.events, &part.aggregates()),
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
        loop {
            self.gauge.waiting();
            let lease = tokio::select! {
                () = self.shared.stop.cancelled() => break,
                lease = contender.win() => lease,
            };
            self.gauge.running(lease.epoch);
            let (handler, epoch) = (self.info.name, lease.epoch);
            tracing::info!(handler, epoch, "owned");
            let ended = tokio::select! {
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

    async fn end(&self) -> Result<Position, BeginError> {
        self.log.last().await.map_err(|error| BeginError::Away(error.to_string()))
    }

    /// Takes the checkpoint over and starts the deliveries after it.
    async fn begin(
        &self,
        duty: &Duty,
    ) -> Result<futures::future::BoxFuture<'static, Ended>, BeginError> {
        let last = self.end().await?;
        let feed = |from| {
            self.gauge.progress(from, last.0.saturating_sub(from), None);
            let name = format!("{}-{}-{}", self.info.kind, self.info.name, duty.epoch);
            Feed::start(self.log.clone(), name, Position(from), Arc::clone(&self.poke))
        };
        let duty = duty.clone();
        match &self.work {
            Work::React(reactor) => {
                let cell = Cell::new(&self.shared.checkpoints, self.info.name);
                let mut checkpoint = Checkpoint::take_over(cell, duty.epoch, self.since).await?;
                fail_points::pass("takeover.checkpoint");
                let (book, letters) = self.book(&duty).await?;
                while let Some(reset) = book.reset() {
                    rewind(&duty, &mut checkpoint, &book, &reset).await?;
                }
                // A former owner may have handled what came after the end was asked for.
                let last = self.end().await?;
                if checkpoint.position > last {
                    let at = checkpoint.position;
                    return Err(BeginError::Unfit(format!(
                        "log-behind: its checkpoint is at {at}, past the end of the log at {last}"
                    )));
                }
                let waits = counted(&book, &duty, &self.log).await?;
                let feed = feed(checkpoint.position.0);
                let log = self.log.clone();
                let begun = Begun { log, feed, checkpoint, book, letters, waits };
                Ok(Box::pin(runner::run(duty, Arc::clone(reactor), begun)))
            }
            Work::Project(projection, store) => {
                let taken = store.take_over(&**projection, duty.epoch, last).await;
                if let Err(TakeOverError::Behind(at)) = &taken
                    && self.end().await? >= *at
                {
                    let why = "a former owner has folded what came meanwhile";
                    return Err(BeginError::Away(why.to_owned()));
                }
                let (holder, lineage) = taken?;
                let (registry, name) = (&self.shared.registry, self.info.name);
                let requests = readmodel::request_cell(registry, name);
                let reports = readmodel::report_cell(registry, name);
                let (book, incoming) = self.book(&duty).await?;
                let waits = Mutex::new(counted(&book, &duty, &self.log).await?);
                let letters = Arc::new(Letters { book, waits });
                let conductor = Conductor {
                    _listening: letters.follow(incoming, duty.lost.clone()),
                    letters,
                    duty,
                    info: self.info,
                    desk: Desk::new(requests, reports, projection.version()),
                    projection: Arc::clone(projection),
                    holder,
                    log: self.log.clone(),
                    poke: Arc::clone(&self.poke),
                };
                Ok(Box::pin(conductor.run(lineage)))
            }
        }
    }
}

impl Supervisor {
    /// Opens the handler's dead letters. Only after the checkpoint was taken over: see [`Book`].
    async fn book(&self, duty: &Duty) -> Result<(Book, Feed), BeginError> {
        let (queue, instance) = (self.shared.letters.clone(), &duty.options.instance);
        Ok(Book::open(queue, duty.name, duty.epoch, instance).await?)
    }
}

/// Goes back to where somebody asked for. The checkpoint says whether that is done, so that a crash
/// at any point neither loses the request nor follows it twice.
async fn rewind(
    duty: &Duty,
    checkpoint: &mut Checkpoint,
    book: &Book,
    reset: &Reset,
) -> Result<(), BeginError> {
    duty.options.fail_points.reach("reset.before").await;
    let stood = checkpoint.reset(reset).await?;
    duty.options.fail_points.reach("reset.moved").await;
    book.rewound(reset, stood).await?;
    duty.options.fail_points.reach("reset.told").await;
    let (handler, at, who, why) = (duty.name, checkpoint.position, &reset.who, &reset.why);
    tracing::warn!(handler, from = %stood, to = %at, who, why, "events are delivered again");
    Ok(())
}

/// Counts what waits behind the keys that stand still.
async fn counted(book: &Book, duty: &Duty, log: &Log) -> Result<Waits, BeginError> {
    duty.options.fail_points.reach("begin.counts").await;
    let mut waits = Waits::new(duty.options.waiting_key_max, duty.options.waiting_max);
    let counts = stream::iter(book.heads()).map(async |(key, head)| {
        let (count, end) = behind(book, log, &key, head.at.position).await?;
        Ok::<_, BeginError>((key, count, end))
    });
    let counts: Vec<_> = counts.buffer_unordered(COUNTS_AT_ONCE).try_collect().await?;
    for (key, count, end) in counts {
        waits.found(&key, count, end);
    }
    Ok(waits)
}

/// How many commits of `key` stand from `head` on, and which is the last of them. Where commits come
/// faster than they are counted the number is a little too small: it is for people and for limits,
/// never for order.
async fn behind(
    book: &Book,
    log: &Log,
    key: &str,
    head: Position,
) -> Result<(u64, Position), BeginError> {
    let away = |error: LogAway| BeginError::Away(error.to_string());
    let mut end = log.last_of(key).await.map_err(away)?;
    let mut looks = 0;
    loop {
        let count = book.behind(key, head).await? + 1;
        let last = log.last_of(key).await.map_err(away)?;
        looks += 1;
        if last == end || looks == LOOKS_MAX {
            return Ok((count, last));
        }
        end = last;
    }
}

impl From<BookError> for BeginError {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Fenced => Self::Fenced,
            BookError::Unwritable(why) => Self::Unfit(why),
            BookError::Away(why) => Self::Away(why),
        }
    }
}

impl From<CheckpointError> for BeginError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Fenced => Self::Fenced,
            CheckpointError::Cell(error) => Self::Away(error.to_string()),
        }
    }
}

impl From<TakeOverError> for BeginError {
    fn from(error: TakeOverError) -> Self {
        match error {
            TakeOverError::Fenced => Self::Fenced,
            behind @ TakeOverError::Behind(_) => Self::Unfit(behind.to_string()),
            TakeOverError::Unfit(why) => Self::Unfit(why),
            TakeOverError::Sql(error) => Self::Away(error.to_string()),
        }
    }
}
