//! All handlers of one instance: registered, started, watched and stopped together.

use std::sync::Arc;

use nats::names;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Gauge, HandlerStatus,
    breaker::Breakers,
    cell::Cell,
    lease::Contender,
    log::Log,
    options::HandlerOptions,
    orders::Dispatch,
    registration::{RegistrationError, register},
    restored::LogBehind,
    start::{not_behind, shared, standing},
    supervisor::{Shared, Supervisor, Work},
};
use crate::{
    client::Client,
    composition::{Composition, CompositionError, HandlerInfo, HandlerKind, HandlerPart},
    durable::{DurableError, Results},
    metrics,
    problem::Problem,
    readmodel::{ReadModels, STORE, Served, Standing, Store},
    timers::{self, TimerStore},
};

/// Why the handlers did not start.
#[derive(Debug, thiserror::Error)]
pub enum HandlersError {
    /// The composition cannot run.
    #[error(transparent)]
    Composition(#[from] CompositionError),
    /// A handler could not be registered.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// A stream or bucket is missing or does not answer; provisioning makes them.
    #[error("{what} does not answer: {problem}")]
    Away {
        /// The stream or bucket.
        what: &'static str,
        /// Why.
        problem: String,
    },
    /// A handler has handled more than the log has.
    #[error(transparent)]
    LogBehind(#[from] LogBehind),
    /// Projections must run here, and the read models are in another store.
    #[error(transparent)]
    Elsewhere(Problem),
    /// The store of the read models cannot be opened.
    #[error("the store {store} cannot be opened: {source}")]
    Store {
        /// Where it is.
        store: String,
        /// Why.
        source: sqlx::Error,
    },
}

/// The running handlers of one instance.
#[derive(Debug)]
pub struct Handlers {
    gauges: Arc<[Gauge]>,
    running: JoinSet<()>,
    stop: CancellationToken,
    ended: CancellationToken,
    models: ReadModels,
    store: Option<Store>,
    refused: Option<Problem>,
}

impl Handlers {
    /// Registers every handler of `composition`, whether it runs here or not, so that a policy
    /// that starts elsewhere misses nothing from now on; then starts those that `options` name.
    /// Start them before commands are taken.
    ///
    /// # Errors
    /// [`HandlersError`], if something that all of them need is missing.
    pub async fn start(
        client: &Client,
        composition: &Composition,
        options: HandlerOptions,
    ) -> Result<Self, HandlersError> {
        composition.check()?;
        // Steps of the start, which a caller's future need not hold.
        Box::pin(Self::assemble(client, composition, options)).await
    }

    async fn assemble(
        client: &Client,
        composition: &Composition,
        options: HandlerOptions,
    ) -> Result<Self, HandlersError> {
        let stop = CancellationToken::new();
        let shared =
            Box::pin(shared(client, options, composition.keys().cloned(), stop.clone())).await?;
        let registry = shared.registry.clone();
        let standing = standing(&shared, Cell::new(&registry, STORE)).await?;
        let store = opened(&standing, &shared.options)?;
        not_behind(client, &shared.events, store.as_ref()).await?;
        let (dispatch, breakers) = (dispatch(client).await?, Breakers::default());
        let ended = CancellationToken::new();
        let (mut gauges, mut served, mut running) = (Vec::new(), Vec::new(), JoinSet::new());
        for part in composition.parts() {
            let log = Log::new(&shared.client, &shared.events, &part.aggregates());
            let registration = register(&registry, &log, part).await?;
            let runs = match part.info().kind {
                HandlerKind::Projection => shared.options.projections,
                _ => shared.options.policies,
            };
            let breaker = part.dependency().map(|of| breakers.of(of, shared.options.breaker));
            let work = Work::of(part, &dispatch, breaker.clone(), store.as_ref());
            let Some(work) = work.filter(|_| runs) else { continue };
            let gauge = Gauge::new(part.info(), breaker);
            let supervisor = Supervisor::new(&shared, part, work, gauge, &registration);
            gauges.push(supervisor.gauge.clone());
            if let HandlerPart::Projection(projection) = part {
                let (gauge, poke) = (supervisor.gauge.clone(), Arc::clone(&supervisor.poke));
                served.push(Served { projection: Arc::clone(projection), gauge, poke });
            }
            spawn(&mut running, &ended, supervisor.run());
        }
        let mut observed = gauges.clone();
        if shared.options.policies {
            let info = HandlerInfo { name: timers::NAME, kind: HandlerKind::Duty };
            let gauge = Gauge::new(info, None);
            observed.push(gauge.clone());
            spawn(&mut running, &ended, fire(&shared, dispatch, gauge));
        }
        let refused = match &standing {
            Standing::Elsewhere(problem) => Some(problem.clone()),
            Standing::Here(_) => None,
        };
        let refused = refused.filter(|_| shared.options.projections);
        let models = ReadModels::new(standing, served);
        let gauges = gauges.into();
        metrics::observe_handlers(&observed.into());
        Ok(Self { gauges, running, stop, ended, models, store, refused })
    }

    /// What answers queries: nothing, if the read models are elsewhere or not run here.
    #[must_use]
    pub fn queries(&self) -> ReadModels {
        self.models.clone()
    }

    /// Why this instance runs no projections, though it was to.
    #[must_use]
    pub fn projections_refused(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// Every handler of this instance as it is now.
    #[must_use]
    pub fn status(&self) -> Vec<HandlerStatus> {
        self.gauges.iter().map(Gauge::now).collect()
    }

    /// Returns when a handler's task has ended; a handler that halts has not.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Lets every handler finish what it is doing, writes the checkpoints, and gives the leases
    /// back.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
        if let Some(store) = &self.store {
            store.close().await;
        }
    }
}

/// The store of the read models, if it is to be used here.
fn opened(standing: &Standing, options: &HandlerOptions) -> Result<Option<Store>, HandlersError> {
    match standing {
        Standing::Here(store) => Ok(Some(store.clone())),
        Standing::Elsewhere(problem) if options.projections && options.projections_required => {
            Err(HandlersError::Elsewhere(problem.clone()))
        }
        Standing::Elsewhere(problem) => {
            if options.projections {
                tracing::error!("{problem}");
            }
            Ok(None)
        }
    }
}

/// What handlers send orders and keep timers with.
async fn dispatch(client: &Client) -> Result<Dispatch, HandlersError> {
    let results = Results::open(client.connection().clone()).await?;
    let timers = TimerStore::open(client.connection().clone()).await;
    let timers = timers.map_err(|error| away(names::TIMERS, &error))?;
    Ok(Dispatch { client: client.clone(), results, timers })
}

/// Runs `work`, and cancels `ended` when it is over.
fn spawn(
    running: &mut JoinSet<()>,
    ended: &CancellationToken,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let (work, guard) = (Box::pin(work), ended.clone().drop_guard());
    running.spawn(async move {
        // Dropped by a panic as well.
        let _guard = guard;
        work.await;
    });
}

/// Watches the timers for as long as the instance runs.
fn fire(
    shared: &Shared,
    dispatch: Dispatch,
    gauge: Gauge,
) -> impl Future<Output = ()> + Send + use<> {
    let HandlerOptions { instance, lease_ttl, timers: options, .. } = shared.options.clone();
    let cell = Cell::new(&shared.leases, timers::NAME);
    let contender = Contender::new(cell, gauge.clone(), instance, lease_ttl);
    let (Dispatch { client, results, timers: store }, stop) = (dispatch, shared.stop.clone());
    timers::Owner { store, client, results, options, stop }.run(contender, gauge)
}

impl From<DurableError> for HandlersError {
    fn from(error: DurableError) -> Self {
        let DurableError::Away { what, problem } = error;
        Self::Away { what, problem }
    }
}

pub(super) fn away(what: &'static str, error: &dyn std::fmt::Display) -> HandlersError {
    HandlersError::Away { what, problem: error.to_string() }
}
