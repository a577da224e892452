//! `GET /v1/events`: events as they are and as they come, as server-sent events.
//!
//! Each stream reads the log by itself and no faster than its client does, so nothing is kept for
//! clients, and one of them holds up no other. A client that comes back with the last id that it saw
//! goes on behind it.

mod feed;
mod filter;
mod places;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{StreamExt as _, stream};
use hyper::{HeaderMap, header::HeaderValue};
use infrastructure::problem::Problem;
use kit::{AggregateId, Position};

pub(crate) use self::places::{Place, Places};
use self::{feed::Feed, filter::Filter};
use crate::{
    access::Asks,
    caller::Caller,
    cursor::Cursor,
    edge, headers,
    params::{self, Params},
    problem::Fault,
    service::Service,
};

const EXPECTED: &str = "expected start, end, or a cursor such as 12 or 12.0";

/// Opens a stream.
pub(crate) async fn stream(
    State(service): State<Arc<Service>>,
    asks: Asks,
    caller: Option<Extension<Caller>>,
    map: HeaderMap,
    mut params: Params,
) -> Result<Response, Fault> {
    let filter = Filter::read(&mut params, &service.catalogue)?;
    let of = (filter.of.aggregate.as_deref(), filter.of.id.as_ref());
    asks.to_read(of.0, of.1.map(AggregateId::as_str))?;
    asks.claim_read(of, &service.histories).await?;
    let from = params.text("from")?;
    params.end()?;
    let end = service.histories.end().await?;
    let behind = begin(&map, from.as_deref(), end)?;
    let place = service.streams.take(caller.map(|Extension(caller)| caller.scope));
    let place = place.map_err(|full| edge::busy(&full.to_string()))?;
    let feed = Feed::open(&service, filter, behind, place).await?;
    let events = stream::unfold(feed, Feed::step).map(Ok::<Event, std::convert::Infallible>);
    let mut response = Sse::new(events).into_response();
    // nginx collects answers unless it is told not to.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Behind what the client has seen. The header is what a client sends by itself when it comes back, so
/// it counts for more than the address, which stays the same.
fn begin(map: &HeaderMap, from: Option<&str>, end: Position) -> Result<Cursor, Problem> {
    let behind = match (headers::text(map, "last-event-id")?, from) {
        (Some(id), _) => id.parse().map_err(|_| headers::bad("last-event-id", EXPECTED))?,
        (None, None | Some("end")) => Cursor::whole(end),
        (None, Some("start")) => Cursor::default(),
        (None, Some(text)) => text.parse().map_err(|_| params::bad("from", EXPECTED))?,
    };
    if behind.before() > end {
        return Err(Problem::invalid(format!("the log ends at {end}, before {behind}")));
    }
    Ok(behind)
}
