//! Read models in SQLite or PostgreSQL: documents folded from events and found by declared fields,
//! or rows of declared tables, found by declared queries.
//!
//! Rows and the checkpoint of a projection change in one transaction that names the epoch, so a
//! former owner cannot write and nothing is applied twice. Not here: leases and delivery; the
//! handlers' runtime brings the events.

mod batch;
mod claim;
mod comparison;
mod conductor;
mod decision;
mod desk;
mod documents;
#[cfg(test)]
mod fencing_tests;
mod generation;
mod hold;
mod letters;
mod location;
mod params;
mod parked;
mod passage;
mod projection;
mod projector;
mod query;
mod reader;
mod reading;
mod release;
mod repayment;
mod requests;
mod scratch;
mod sql;
mod store;
mod stretches;
mod succession;
mod tables;
mod text;
mod verification;
#[cfg(test)]
mod wire_tests;
pub mod yardstick;

pub use claim::{StoreClaim, StoreRelease};
pub use generation::Outcome;
pub use hold::{HeldWrites, hold_writes};
pub use location::{PostgresUrl, StoreLocation, StoreLocationError};
pub use query::ReadModels;
pub use release::{living_owners, release_store, store_claim};
pub use requests::{
    FillingInfo, FillingPhase, GenerationAction, GenerationInfo, GenerationReport,
    GenerationRequest, GenerationRole, generation_report, generation_reports, request_generation,
    standing_request,
};
pub use scratch::{RowsPlace, ShownRow};
pub use verification::{Gap, Unfolded, Verdict, Verification, Verifying, verify};

pub(crate) use claim::{STORE, claim};
pub(crate) use conductor::Conductor;
pub(crate) use desk::Desk;
pub(crate) use letters::Letters;
pub(crate) use passage::Passage;
pub(crate) use projection::{AnyProjection, Rows, Touch};
pub(crate) use query::{Served, Standing};
pub(crate) use requests::{is_of_store, report_cell, request_cell};
pub(crate) use scratch::{Scratch, Unfit};
pub(crate) use store::Store;
pub(crate) use succession::TakeOverError;
pub(crate) use tables::Tabled;
