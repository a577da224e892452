//! A server, a command service, and handlers.

mod dead_letters;
mod instance;
mod log;
mod sql;

use std::{path::Path, time::Duration};

use async_nats::jetstream;
use domain::{
    design::Design, mail::Mail, person::Person, product::Product, stripe_event::StripeEvent,
};
use infrastructure::{
    client::Client,
    composition::Composition,
    handler::{HandlerOptions, HandlerReport, HandlerState, Handlers, report},
    jetstream::{JetStreamOptions, JetStreamStore},
    processor::{Processor, ProcessorOptions},
    provision::{ProvisionOptions, provision},
    readmodel::{StoreLocation, Verdict, Verification, verify},
    sealing::{Keys, MasterKeys},
    service::CommandService,
    timers::TimerOptions,
};
use kit::{Position, Secret};
use nats::names;
use serde_json::value::RawValue;
use tempfile::TempDir;
use test_postgres::Postgres;
use tests::{LIMIT, eventually};

use super::table_tennis::{Receiver, Server};
pub(crate) use dead_letters::key;
pub(crate) use log::read;

/// Runs each promise, a function of a world, with every kind of store.
macro_rules! with_every_store {
    ($($promise:ident),* $(,)?) => {
        mod with_sqlite {
            $(
                #[tokio::test]
                async fn $promise() {
                    super::$promise(super::World::start().await).await;
                }
            )*
        }
        mod with_postgres {
            $(
                #[tokio::test]
                async fn $promise() {
                    if !test_postgres::is_installed() {
                        return;
                    }
                    let shared = tokio::task::spawn_blocking(test_postgres::Postgres::shared);
                    let world = super::World::start_on(shared.await.unwrap()).await;
                    super::$promise(world).await;
                }
            )*
        }
    };
}
pub(crate) use with_every_store;

/// Short, so that a test does not wait long for a take-over.
pub(crate) const LEASE_TTL: Duration = Duration::from_millis(1500);
/// Long, so that a busy machine does not cost an owner its lease: whoever takes it anew handles
/// things again, and some tests count.
const STEADY_LEASE_TTL: Duration = Duration::from_secs(20);

/// The aggregates; a test adds handlers.
pub(crate) fn table() -> Composition {
    Composition::new()
        .aggregate::<Server>()
        .aggregate::<Receiver>()
        .aggregate::<Mail>()
        .aggregate::<Person>()
        .aggregate::<Design>()
        .aggregate::<Product>()
        .aggregate::<StripeEvent>()
}

pub(crate) struct World {
    pub(crate) server: tests::Server,
    pub(crate) connection: async_nats::Client,
    pub(crate) client: Client,
    /// Of personal data.
    pub(crate) keys: Keys,
    service: Option<(CommandService, Processor)>,
    pub(crate) store: StoreLocation,
    /// The address of the read models, if they are in a database.
    database: Option<String>,
    _folder: TempDir,
}

impl World {
    /// With the read models in a file.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_with(folder.path().join("read-models.sqlite").into(), folder).await
    }

    /// With the read models in a database of their own.
    pub(crate) async fn start_on(postgres: &'static Postgres) -> Self {
        let url = tokio::task::spawn_blocking(|| postgres.database()).await.unwrap();
        let store = url.parse().unwrap();
        Self { database: Some(url), ..Self::start_with(store, tempfile::tempdir().unwrap()).await }
    }

    pub(crate) async fn start_with(store: StoreLocation, folder: TempDir) -> Self {
        Self::start_at(tests::Server::start().await, 1, store, folder).await
    }

    /// On a server of a cluster.
    pub(crate) async fn start_in(server: tests::Server, replicas: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("read-models.sqlite").into();
        Self::start_at(server, replicas, store, folder).await
    }

    async fn start_at(
        server: tests::Server,
        replicas: usize,
        store: StoreLocation,
        folder: TempDir,
    ) -> Self {
        let connection = server.client().await;
        let options = ProvisionOptions { replicas, ..ProvisionOptions::default() };
        provision(&connection, &options).await.unwrap();
        let client = Client::new(connection.clone());
        let keys = Keys::new(connection.clone(), MasterKeys::new(&[1; 32], &[]));
        let mut world = Self {
            server,
            connection,
            client,
            keys,
            service: None,
            store,
            database: None,
            _folder: folder,
        };
        world.open().await;
        world
    }

    /// Starts taking commands.
    pub(crate) async fn open(&mut self) {
        self.open_as(&table()).await;
    }

    /// Starts taking commands as a program that is made of `composition` would.
    pub(crate) async fn open_as(&mut self, composition: &Composition) {
        let store = JetStreamStore::new(
            self.server.client().await,
            self.server.client().await,
            JetStreamOptions::default(),
        );
        let aggregates = composition.aggregates();
        let catalogue = aggregates.catalogue();
        let options = ProcessorOptions {
            keys: Some(self.keys.clone()),
            ..ProcessorOptions::new(Secret::new([1; 32]))
        };
        let store = store.await.unwrap().opening(Some(self.keys.clone()));
        let processor = Processor::start(store, aggregates, options);
        let connection = self.server.client().await;
        let service =
            CommandService::start(connection, processor.clone(), &catalogue).await.unwrap();
        self.service = Some((service, processor));
    }

    /// Stops taking commands.
    pub(crate) async fn close(&mut self) {
        let (service, processor) = self.service.take().unwrap();
        service.drain().await;
        processor.drain().await;
    }

    /// The file of the read models.
    pub(crate) fn file(&self) -> &Path {
        let StoreLocation::Sqlite(path) = &self.store else { unreachable!("a database") };
        path
    }

    pub(crate) fn options(&self, instance: &str) -> HandlerOptions {
        HandlerOptions {
            lease_ttl: LEASE_TTL,
            retry_delay_max: Duration::from_millis(200),
            timers: TimerOptions {
                poll_interval: Duration::from_millis(50),
                sweep_interval: Duration::from_millis(300),
                lost_after: Duration::from_millis(500),
                skew: Duration::from_millis(300),
                ..TimerOptions::default()
            },
            ..HandlerOptions::new(instance, self.store.clone())
        }
    }

    /// The same for an owner that stays. What it says on its lease is as old as that is long.
    pub(crate) fn steady(&self, instance: &str) -> HandlerOptions {
        HandlerOptions { lease_ttl: STEADY_LEASE_TTL, ..self.options(instance) }
    }

    pub(crate) async fn handlers(&self, composition: &Composition, instance: &str) -> Handlers {
        self.handlers_with(composition, self.options(instance)).await
    }

    pub(crate) async fn steady_handlers(
        &self,
        composition: &Composition,
        instance: &str,
    ) -> Handlers {
        self.handlers_with(composition, self.steady(instance)).await
    }

    pub(crate) async fn handlers_with(
        &self,
        composition: &Composition,
        options: HandlerOptions,
    ) -> Handlers {
        let client = Client::new(self.server.client().await);
        let composition = composition.clone().opening(self.keys.clone());
        Handlers::start(&client, &composition, options).await.unwrap()
    }

    /// What the log says about the rows of `projection`, looked at beside whoever runs.
    pub(crate) async fn verified(&self, projection: &str, composition: &Composition) -> Verdict {
        let (asked, _folder) = self.verification(projection);
        let composition = composition.clone().opening(self.keys.clone());
        verify(&self.connection, &composition, &asked, |_| {}).await.unwrap()
    }

    /// A verification of `projection`, and the folder that it needs.
    pub(crate) fn verification(&self, projection: &str) -> (Verification, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let asked = Verification {
            projection: projection.to_owned(),
            generation: None,
            store: self.store.clone(),
            scratch: folder.path().join("rows.sqlite"),
        };
        (asked, folder)
    }

    /// Lets `handler` begin again, as an operator would.
    pub(crate) async fn forget_checkpoint(&self, handler: &str) {
        let context = jetstream::new(self.connection.clone());
        let bucket = context.get_key_value(names::CHECKPOINTS).await.unwrap();
        bucket.purge(handler).await.unwrap();
    }

    pub(crate) async fn report(&self, handler: &str) -> HandlerReport {
        eventually("the handlers can be seen", LIMIT, async || self.seen(handler).await).await
    }

    /// Nothing while it is not known, or a bucket has no leader.
    async fn seen(&self, handler: &str) -> Option<HandlerReport> {
        let reports = report(&self.connection).await.ok()?;
        reports.into_iter().find(|report| report.name == handler)
    }

    /// Waits until `handler` has checkpointed `position`, as the bucket tells.
    pub(crate) async fn reached(&self, handler: &str, position: Position) -> HandlerReport {
        eventually(&format!("{handler} at {position}"), LIMIT, async || {
            self.seen(handler).await.filter(|report| report.position >= position)
        })
        .await
    }

    pub(crate) async fn owned_by(&self, handler: &str, instance: &str) -> HandlerReport {
        eventually(&format!("{instance} owns {handler}"), LIMIT, async || {
            let report = self.seen(handler).await;
            report.filter(|report| report.owner.as_deref() == Some(instance))
        })
        .await
    }
}

/// Waits until `handler` of `handlers` is in a state that `is` knows.
pub(crate) async fn state(
    handlers: &Handlers,
    handler: &str,
    is: impl Fn(&HandlerState) -> bool,
) -> HandlerState {
    eventually(&format!("the state of {handler}"), LIMIT, async || {
        let status = handlers.status().into_iter().find(|status| status.name == handler)?;
        is(&status.state).then_some(status.state)
    })
    .await
}

/// The JSON object of an answer.
pub(crate) fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap()
}

/// The same of a client's answer.
pub(crate) fn value(body: &RawValue) -> serde_json::Value {
    serde_json::from_str(body.get()).unwrap()
}
