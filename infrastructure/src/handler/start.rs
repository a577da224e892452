//! What is looked at before handlers start: the buckets, the end of the log, and whose the rows are.
//! Not here: starting them.

use async_nats::jetstream::{self, stream::Stream};
use nats::names;
use tokio_util::sync::CancellationToken;

use super::{
    cell::Cell,
    handlers::{HandlersError, away},
    log::{Log, end_of},
    options::HandlerOptions,
    restored::{LogBehind, past_the_end},
    supervisor::Shared,
};
use crate::{
    client::Client,
    deadletter::Queue,
    problem::Problem,
    readmodel::{Standing, Store, StoreClaim, claim},
    sealing::Keys,
};

/// What all handlers share, opened.
pub(super) async fn shared(
    client: &Client,
    options: HandlerOptions,
    keys: Option<Keys>,
    stop: CancellationToken,
) -> Result<Shared, HandlersError> {
    let context = jetstream::new(client.connection().clone());
    let bucket = async |name| context.get_key_value(name).await.map_err(|error| away(name, &error));
    let events = context.get_stream(names::EVENTS).await;
    let letters = Queue::open(client.connection()).await;
    Ok(Shared {
        client: client.connection().clone(),
        events: events.map_err(|error| away(names::EVENTS, &error))?,
        leases: bucket(names::LEASES).await?,
        checkpoints: bucket(names::CHECKPOINTS).await?,
        letters: letters.map_err(|error| away(names::DLQ, &error))?,
        registry: bucket(names::HANDLERS).await?,
        options,
        keys,
        stop,
    })
}

/// Refuses a log that ends before what was handled. Commands taken now would fill the gap, and
/// handlers would then pass over them.
pub(super) async fn not_behind(
    client: &Client,
    events: &Stream,
    store: Option<&Store>,
) -> Result<(), HandlersError> {
    let behind = past_the_end(client.connection()).await;
    let behind = behind.map_err(|problem| away(names::CHECKPOINTS, &problem))?;
    if let Some(behind) = behind.into_iter().next() {
        return Err(behind.into());
    }
    let Some(store) = store else { return Ok(()) };
    let rows = store.furthest().await.map_err(|error| away("the store", &error))?;
    let Some((handler, at)) = rows else { return Ok(()) };
    let last = end_of(events).await;
    let last = last.map_err(|error| away(names::EVENTS, &error))?;
    if at > last { Err(LogBehind { handler, at, last }.into()) } else { Ok(()) }
}

/// Whether the rows that `options` name are those of this log.
pub(super) async fn standing(
    shared: &Shared,
    cell: Cell<StoreClaim>,
) -> Result<Standing, HandlersError> {
    let HandlerOptions { instance, projections, store: location, .. } = &shared.options;
    if !projections {
        let detail = "this instance runs no projections";
        return Ok(Standing::Elsewhere(Problem::store_elsewhere(detail)));
    }
    let shown = location.to_string();
    let bad = |source| HandlersError::Store { store: shown.clone(), source };
    let store = Store::open(location).await.map_err(bad)?;
    let log = Log::id(&shared.events);
    let foreign = || {
        Standing::Elsewhere(Problem::store_elsewhere(format!(
            "the rows in {shown} were folded from another event log; delete the store to fold \
             them again"
        )))
    };
    // Before the claim: a store that is refused must not stand in the way of the one that takes its place.
    if !store.may_be_of(&log).await.map_err(bad)? {
        return Ok(foreign());
    }
    let id = store.id().await.map_err(bad)?;
    let mine = StoreClaim { store: id.clone(), instance: instance.clone(), released: None };
    let stands = claim(&cell, mine).await.map_err(|error| away(names::HANDLERS, &error))?;
    if stands.store != id {
        let (other, owner) = (stands.store, stands.instance);
        return Ok(Standing::Elsewhere(Problem::store_elsewhere(format!(
            "the read models are in the store {other} of the instance {owner}, not in {shown}; if \
             that store is gone for good, release it: headwater store release {other}"
        ))));
    }
    // Rows of one log and positions of another would look like rows that are up to date.
    if store.log(&log).await.map_err(bad)? != log {
        return Ok(foreign());
    }
    Ok(Standing::Here(store))
}
