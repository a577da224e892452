//! `GET /v1/aggregates/{aggregate}/{id}/export`: a history as a document that anybody can check.
//! It comes as the log is read, so that a long one holds nothing here but its place. One that the log
//! interrupts ends without its head and without the end of the body.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use futures::stream;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use infrastructure::{problem::Problem, proof::Export};

use crate::{
    access::Asks,
    aggregates::{place, read_id},
    params::Params,
    problem::Fault,
    service::Service,
};

/// Writes the document.
pub(crate) async fn export(
    State(service): State<Arc<Service>>,
    Path((aggregate, id)): Path<(String, String)>,
    asks: Asks,
    mut params: Params,
) -> Result<Response, Fault> {
    asks.to_read(Some(&aggregate), Some(&id))?;
    let id = read_id(&id)?;
    let events = params.read("events", "true or false")?.unwrap_or(false);
    params.end()?;
    let place = place(&service)?;
    let export = Export::open(&service.archive, &aggregate, &id, events).await?;
    let lines = stream::try_unfold((export, place), async |(mut export, place)| {
        let line = export.line().await.inspect_err(|problem| {
            tracing::warn!(%problem, "the export of a history is interrupted");
        })?;
        Ok::<_, Problem>(line.map(|line| (line, (export, place))))
    });
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/x-ndjson")
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{aggregate}-{id}.jsonl\""))
        .body(Body::from_stream(lines));
    response.map_err(|error| Problem::internal(error.to_string()).into())
}
