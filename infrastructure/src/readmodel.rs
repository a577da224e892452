//! Read models: documents folded from events, in SQLite or PostgreSQL, found by declared
//! fields.
//!
//! Rows and the checkpoint of a projection change in one transaction that names the epoch, so a
//! former owner cannot write and nothing is applied twice. Not here: leases and delivery; the
//! handlers' runtime brings the events.

mod batch;
mod claim;
#[cfg(test)]
mod fencing_tests;
mod generation;
mod location;
mod params;
mod projection;
mod projector;
mod query;
mod reader;
mod release;
mod sql;
mod store;
mod text;

pub use claim::{StoreClaim, StoreRelease};
pub use location::{PostgresUrl, StoreLocation, StoreLocationError};
pub use query::ReadModels;
pub use release::{living_owners, release_store, store_claim};

pub(crate) use claim::{STORE, claim};
pub(crate) use generation::TakeOverError;
pub(crate) use projection::{AnyProjection, Folded, Touch};
pub(crate) use projector::run;
pub(crate) use query::{Served, Standing};
pub(crate) use store::Store;
