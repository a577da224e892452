//! What the routes that any context has share: the service as a caller sees it, and the log as a guest
//! does.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use infrastructure::{aggregates::Catalogue, client::Client, histories::Histories};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    aggregates, commands,
    events::{self, Places},
    exports,
    limits::Limits,
    queries,
};

/// Shared by all requests.
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) histories: Histories,
    pub(crate) catalogue: Vec<Catalogue>,
    pub(crate) limits: Arc<Limits>,
    /// Open streams of events, and exports.
    pub(crate) streams: Arc<Places>,
    /// Histories that are being read.
    pub(crate) reads: Semaphore,
    pub(crate) stop: CancellationToken,
}

/// The routes under `/v1`.
pub(crate) fn routes(service: Service) -> Router {
    Router::new()
        .route("/v1/commands/{aggregate}/{id}/{name}", post(commands::send))
        .route("/v1/commands/{command_id}", get(commands::result))
        .route("/v1/aggregates/{aggregate}/{id}", get(aggregates::state))
        .route("/v1/aggregates/{aggregate}/{id}/events", get(aggregates::history))
        .route("/v1/aggregates/{aggregate}/{id}/export", get(exports::export))
        .route("/v1/events", get(events::stream))
        .route("/v1/{projection}/{query}", get(queries::ask))
        .with_state(Arc::new(service))
}
