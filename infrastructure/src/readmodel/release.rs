//! An operator's word that the store of the read models is gone for good.
//! Not here: the claim of the next store.

use async_nats::jetstream;
use chrono::Utc;
use nats::names;

use super::claim::{STORE, StoreClaim, StoreRelease};
use crate::{
    composition::HandlerKind,
    handler::{Cell, CellError, report},
    problem::Problem,
};

/// Which store has the log's read models; none before the first.
///
/// # Errors
/// `unavailable`, if the bucket is missing or does not answer.
pub async fn store_claim(client: &async_nats::Client) -> Result<Option<StoreClaim>, Problem> {
    let (claim, _) = cell(client).await?.read().await.map_err(|error| away(&error))?;
    Ok(claim)
}

/// The projections that some living instance runs, on whatever store.
///
/// # Errors
/// `unavailable`, if a bucket is missing or does not answer.
pub async fn living_owners(client: &async_nats::Client) -> Result<Vec<String>, Problem> {
    let handlers = report(client).await?;
    let living = handlers.into_iter().filter(|handler| {
        handler.kind == HandlerKind::Projection && handler.owner.is_some() && !handler.stale
    });
    let mut owners: Vec<_> = living.filter_map(|handler| handler.owner).collect();
    owners.sort();
    owners.dedup();
    Ok(owners)
}

/// Releases `store`, so that the next instance folds the read models anew in its own. The claim
/// keeps who said so and why until then, and the next instance logs it.
///
/// # Errors
/// `conflict`, if another store is claimed, or an instance still runs projections; `unavailable`,
/// if a bucket does not answer.
pub async fn release_store(
    client: &async_nats::Client,
    store: &str,
    by: &str,
    why: &str,
) -> Result<StoreClaim, Problem> {
    let cell = cell(client).await?;
    let (found, revision) = cell.read().await.map_err(|error| away(&error))?;
    let Some(found) = found.filter(|found| found.store == store) else {
        return Err(Problem::conflict(format!("{store} is not the store of the read models")));
    };
    let owners = living_owners(client).await?;
    if !owners.is_empty() {
        let owners = owners.join(", ");
        return Err(Problem::conflict(format!("{owners} still runs projections; stop it first")));
    }
    let release = StoreRelease { by: by.to_owned(), why: why.to_owned(), at: Utc::now() };
    let released = StoreClaim { released: Some(release), ..found };
    cell.write(&released, revision).await.map_err(|error| match error {
        CellError::Conflict => Problem::conflict("another claim came in between"),
        error => away(&error),
    })?;
    tracing::warn!(store, by, why, "the read models' store is released");
    Ok(released)
}

async fn cell(client: &async_nats::Client) -> Result<Cell<StoreClaim>, Problem> {
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    Ok(Cell::new(&bucket.map_err(|error| away(&error))?, STORE))
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("{} does not answer: {error}", names::HANDLERS))
}
