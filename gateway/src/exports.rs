//! `GET /v1/aggregates/{aggregate}/{id}/export`: a history as a document that anybody can check.
//!
//! It comes as the log is read and no faster than its client reads, so it has a place among the open
//! streams. One that is interrupted ends without its head, and without the end of the body.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    response::Response,
};
use futures::stream;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use infrastructure::{problem::Problem, proof::Export};
use tokio::time::Instant;

use crate::{
    access::Asks, aggregates::read_id, caller::Caller, edge, events::Place, params::Params,
    problem::Fault, service::Service,
};

/// Opens a document.
pub(crate) async fn export(
    State(service): State<Arc<Service>>,
    Path((aggregate, id)): Path<(String, String)>,
    asks: Asks,
    caller: Option<Extension<Caller>>,
    mut params: Params,
) -> Result<Response, Fault> {
    asks.to_read(Some(&aggregate), Some(&id))?;
    let id = read_id(&id)?;
    asks.claim_read((Some(&aggregate), Some(&id)), &service.histories).await?;
    let events = params.read("events", "true or false")?.unwrap_or(false);
    params.end()?;
    let place = service.streams.take(caller.map(|Extension(caller)| caller.scope));
    let place = place.map_err(|full| edge::busy(&full.to_string()))?;
    let export = Export::open(&service.histories, &aggregate, &id, events).await?;
    let until = Instant::now() + service.limits.stream_time;
    let lines = stream::try_unfold(Document { export, until, _place: place }, Document::step);
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/x-ndjson")
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{aggregate}-{id}.jsonl\""))
        .body(Body::from_stream(lines));
    response.map_err(|error| Problem::internal(error.to_string()).into())
}

/// One export while it is open.
struct Document {
    export: Export,
    until: Instant,
    _place: Place,
}

impl Document {
    async fn step(mut self) -> Result<Option<(String, Self)>, Problem> {
        let line = if Instant::now() < self.until {
            self.export.line().await
        } else {
            Err(Problem::deadline("the client reads too slowly"))
        };
        match line {
            Ok(line) => Ok(line.map(|line| (line, self))),
            Err(problem) => {
                tracing::warn!(%problem, "the export of a history is interrupted");
                Err(problem)
            }
        }
    }
}
