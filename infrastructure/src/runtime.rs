//! One instance of the service, started and ended in good order.
//!
//! It holds connections, streams, processor, endpoints and handlers, in the order they need each
//! other. Not here: what the service is made of, and when it is asked to end.

mod error;
mod options;

use std::{future::pending, sync::Arc, time::Duration};

use async_nats::Client as Connection;
use futures::future::{join_all, select_all};
use tokio::time::sleep;

pub use error::RuntimeError;
pub use options::{Roles, RuntimeOptions};

use crate::{
    backup,
    client::Client,
    connection::{ConnectError, ConnectOptions, connect},
    durable::{DurableCommands, Results},
    fingerprint,
    front::{Front, Offer},
    handler::{HandlerOptions, HandlerStatus, Handlers, ProcessingQueries},
    jetstream::{JetStreamOptions, JetStreamStore},
    metrics,
    micro::ServiceError,
    own_thread::OwnThread,
    problem::Problem,
    processor::{Processor, ProcessorOptions},
    provision::{Provisioned, provision},
    query_service::QueryService,
    sealing::{self, Keys, MasterKeys},
    snapshot::Snapshots,
};

/// How often it is looked whether a connection is gone for good.
const CONNECTIONS_INTERVAL: Duration = Duration::from_secs(2);

/// A running instance.
#[derive(Debug)]
pub struct Runtime {
    provisioned: Provisioned,
    connections: Vec<Connection>,
    handlers: Handlers,
    durable: Option<DurableCommands>,
    processor: Option<Processor>,
    front: Front,
    keys: Keys,
    _streams: metrics::Watch,
    // Dropped last: the front, the engine and the appends run on it.
    _commands: OwnThread,
}

impl Runtime {
    /// Starts an instance and returns once the server brings it requests.
    ///
    /// # Errors
    /// [`RuntimeError`], by the part that did not start.
    pub async fn start(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        // The steps of the start are some 20 KB that a caller's future need not hold.
        Box::pin(Self::assemble(options)).await
    }

    async fn assemble(options: RuntimeOptions) -> Result<Self, RuntimeError> {
        let work = open(&options, "work").await?;
        let masters = options.master_keys.clone();
        let masters = masters.unwrap_or_else(|| MasterKeys::derived(&options.secret));
        let keys = Keys::new(work.clone(), masters.clone());
        let composition = options.composition.clone().opening(keys.clone());
        let options = RuntimeOptions { composition, ..options };
        let RuntimeOptions { roles, composition, .. } = &options;
        let (mut connections, watched) = (vec![work.clone()], work.clone());
        let provisioned = provision(&work, &options.provision).await?;
        backup::unfinished(&work).await.map_err(RuntimeError::Restoring)?;
        fingerprint::check(&work, &options.secret, &options.instance)
            .await
            .map_err(RuntimeError::Secret)?;
        sealing::check(&work, &masters, &options.instance).await.map_err(RuntimeError::Secret)?;
        let handlers = HandlerOptions {
            policies: roles.policies,
            projections: roles.projections,
            projections_required: roles.projections_required,
            ..HandlerOptions::new(options.instance.clone(), options.store.clone())
        };
        // A policy that is new must be registered before the first command is taken.
        let handlers = Handlers::start(&Client::new(work.clone()), composition, handlers).await?;
        let mut offer = Offer {
            connect: named(&options, "front"),
            models: Arc::new(handlers.queries()),
            processing: Arc::new(ProcessingQueries {
                connection: work.clone(),
                composition: composition.clone(),
            }),
            results: None,
            commands: None,
        };
        let thread = OwnThread::start("commands")?;
        let (mut durable, mut processor) = (None, None);
        if roles.commands || roles.durable {
            // The server handles what comes on one connection in turn: appends get their own.
            let (of, reads, its) = (options.clone(), work.clone(), keys.clone());
            let (appends, engine) = thread
                .run(async move {
                    let appends = open(&of, "appends").await?;
                    let engine = engine(&of, appends.clone(), reads, its).await?;
                    Ok::<_, RuntimeError>((appends, engine))
                })
                .await??;
            connections.push(appends);
            if roles.commands {
                offer.commands = Some((engine.clone(), composition.aggregates().catalogue()));
            }
            if roles.durable {
                offer.results = Some(Arc::new(Results::open(work.clone()).await?));
                let (queue, instance) = (named(&options, "queue"), options.instance.clone());
                let start = DurableCommands::start(work, queue, engine.clone(), instance);
                durable = Some(start.await?);
            }
            metrics::observe_commands(&engine.watched());
            processor = Some(engine);
        }
        let front = thread.run(Front::open(offer)).await??;
        let streams = metrics::observe_streams(watched);
        Ok(Self {
            provisioned,
            connections,
            handlers,
            durable,
            processor,
            front,
            keys,
            _streams: streams,
            _commands: thread,
        })
    }

    /// What the server and its streams are like.
    #[must_use]
    pub const fn provisioned(&self) -> &Provisioned {
        &self.provisioned
    }

    /// What opens what is sealed in the log.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Why this instance runs no projections, though its roles say so.
    #[must_use]
    pub fn projections_refused(&self) -> Option<&Problem> {
        self.handlers.projections_refused()
    }

    /// Every handler of this instance as it is now.
    #[must_use]
    pub fn handlers(&self) -> Vec<HandlerStatus> {
        self.handlers.status()
    }

    /// Returns when a part has ended without being asked to, which only a bug does, ours or that of
    /// the NATS client (see the front). What is left would take work and never finish it, so the
    /// process should end: another instance takes over.
    pub async fn failed(&self) -> RuntimeError {
        let durable = async {
            match &self.durable {
                Some(durable) => durable.ended().await,
                None => pending().await,
            }
        };
        let engine = async {
            match &self.processor {
                Some(processor) => processor.ended().await,
                None => pending().await,
            }
        };
        let gone = select_all(self.connections.iter().map(|one| Box::pin(gone(one))));
        RuntimeError::Ended(tokio::select! {
            _ = gone => "a connection to NATS",
            () = engine => "the command processor",
            () = durable => "the worker on durable commands",
            () = self.front.ended() => "the front that takes requests",
            () = self.handlers.ended() => "a handler",
        })
    }

    /// Ends in good order: queries that were taken are answered, handlers finish the event they
    /// are at and give their leases back, commands are answered, and everything is flushed.
    pub async fn drain(self) {
        // Queries wait for projections, and policies for the commands of this very instance.
        let (mut connections, mut commands) = (self.connections, None);
        if let Some(front) = self.front.close().await {
            join_all(front.queries.into_iter().map(QueryService::drain)).await;
            commands = front.commands;
            connections.push(front.connection);
        }
        self.handlers.stop().await;
        if let Some(durable) = self.durable {
            durable.drain().await;
        }
        if let Some(commands) = commands {
            commands.drain().await;
        }
        if let Some(processor) = self.processor {
            processor.drain().await;
        }
        for connection in connections {
            if let Err(error) = connection.flush().await {
                tracing::debug!(%error, "a connection ended before it was flushed");
            }
        }
    }
}

/// Returns when nobody works for `connection` any more. While it is only broken, and is opened
/// again, a flush waits.
async fn gone(connection: &Connection) {
    while connection.flush().await.is_ok() {
        sleep(CONNECTIONS_INTERVAL).await;
    }
}

fn named(options: &RuntimeOptions, purpose: &str) -> ConnectOptions {
    let name = format!("headwater {} {purpose}", options.instance);
    ConnectOptions { name: Some(name), ..options.connect.clone() }
}

async fn open(options: &RuntimeOptions, purpose: &str) -> Result<Connection, ConnectError> {
    connect(&named(options, purpose)).await
}

async fn engine(
    options: &RuntimeOptions,
    appends: Connection,
    reads: Connection,
    keys: Keys,
) -> Result<Processor, ServiceError> {
    // Without snapshots every load reads the whole history: slower, and nothing else.
    let snapshots = Snapshots::open(&reads).await.inspect_err(|error| {
        tracing::warn!(%error, "there are no snapshots");
    });
    let store = JetStreamStore::new(appends, reads, JetStreamOptions::default()).await?;
    let store = store.opening(Some(keys.clone()));
    let engine = ProcessorOptions {
        snapshots: snapshots.ok(),
        keys: Some(keys),
        ..ProcessorOptions::new(options.secret.clone())
    };
    Ok(Processor::start(store, options.composition.aggregates(), engine))
}
