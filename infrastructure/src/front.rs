//! What faces callers, on a connection of its own that is opened again should it end.
//!
//! async-nats 0.51 panics over a header with a lone carriage return, which any caller can send,
//! and the connection that read it is gone for good. So nothing else shares that connection, and
//! its end costs the callers of the moment their answers and nobody else anything.
//! Not here: answering.

use std::{future::pending, sync::Arc, time::Duration};

use async_nats::Client as Connection;
use tokio::time;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    aggregates::Catalogue,
    connection::{ConnectOptions, connect},
    durable::Results,
    handler::{Backoff, ProcessingQueries},
    micro::Micro,
    processor::Processor,
    query_service::QueryService,
    readmodel::ReadModels,
    runtime::RuntimeError,
    service::CommandService,
    vital::Vital,
};

/// What an instance offers to callers.
pub(crate) struct Offer {
    pub(crate) connect: ConnectOptions,
    pub(crate) models: Arc<ReadModels>,
    pub(crate) processing: Arc<ProcessingQueries>,
    pub(crate) results: Option<Arc<Results>>,
    pub(crate) commands: Option<(Processor, Vec<Catalogue>)>,
}

/// The endpoints on one connection.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) connection: Connection,
    pub(crate) queries: Vec<QueryService>,
    pub(crate) commands: Option<CommandService>,
    micro: Micro,
}

/// Endpoints that come back.
#[derive(Debug)]
pub(crate) struct Front {
    stop: CancellationToken,
    watching: Vital<Option<Endpoints>>,
}

impl Offer {
    async fn open(&self) -> Result<Endpoints, RuntimeError> {
        let connection = connect(&self.connect).await?;
        let models = Arc::clone(&self.models);
        let mut queries = vec![QueryService::start(connection.clone(), models).await?];
        let processing = Arc::clone(&self.processing);
        queries.push(QueryService::start(connection.clone(), processing).await?);
        if let Some(results) = &self.results {
            queries.push(QueryService::start(connection.clone(), Arc::clone(results)).await?);
        }
        let commands = match &self.commands {
            None => None,
            Some((processor, catalogue)) => {
                let (connection, processor) = (connection.clone(), processor.clone());
                Some(CommandService::start(connection, processor, catalogue).await?)
            }
        };
        let mut all: Vec<_> = queries.iter().flat_map(QueryService::endpoints).collect();
        all.extend(commands.as_ref().map(CommandService::endpoint));
        let id = Uuid::now_v7().simple().to_string();
        let micro = Micro::start(connection.clone(), id, all).await?;
        Ok(Endpoints { connection, queries, commands, micro })
    }
}

impl Endpoints {
    /// Returns when callers are no longer answered. To be asked once.
    async fn ended(&mut self) {
        let Self { commands, micro, .. } = self;
        let commands = async {
            match commands {
                Some(commands) => commands.ended().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = micro.ended() => {}
            () = commands => {}
        }
    }
}

impl Front {
    /// Returns when nobody watches the endpoints any more.
    pub(crate) async fn ended(&self) {
        self.watching.ended().await;
    }

    /// Opens the endpoints, and again whenever their connection ends.
    ///
    /// # Errors
    /// If they cannot be opened the first time.
    pub(crate) async fn open(offer: Offer) -> Result<Self, RuntimeError> {
        let endpoints = offer.open().await?;
        let stop = CancellationToken::new();
        let watching = Vital::spawn(watch(offer, endpoints, stop.clone()));
        Ok(Self { stop, watching })
    }

    /// The endpoints, still at work and no longer watched; none if they were gone just now.
    pub(crate) async fn close(self) -> Option<Endpoints> {
        self.stop.cancel();
        self.watching.join().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the endpoints' watch ended badly");
            None
        })
    }
}

async fn watch(
    offer: Offer,
    mut endpoints: Endpoints,
    stop: CancellationToken,
) -> Option<Endpoints> {
    let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(2));
    loop {
        tokio::select! {
            () = stop.cancelled() => return Some(endpoints),
            () = endpoints.ended() => {}
        }
        tracing::error!("callers are answered no longer; opening another connection to them");
        drop(endpoints);
        endpoints = loop {
            let opened = tokio::select! {
                () = stop.cancelled() => return None,
                opened = offer.open() => opened,
            };
            match opened {
                Ok(opened) => break opened,
                Err(error) => tracing::warn!(%error, "no connection to callers yet"),
            }
            time::sleep(backoff.next()).await;
        };
        backoff.reset();
    }
}
