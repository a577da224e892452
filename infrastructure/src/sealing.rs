//! Personal data under keys: one data key for each aggregate, under which what is personal in its
//! events is sealed, and which is destroyed when that is to be erased.
//!
//! A commit is opened where it is read from the log, before anybody decodes it, so that readers know
//! nothing of keys; the log's own bytes never change. What could not be opened stays sealed, and its
//! data cannot be read by accident. Not here: which data are personal; contexts declare it.

mod commit;
mod data_key;
mod destroy;
mod fingerprint;
mod keys;
mod master;
mod seal;

pub(crate) use commit::{is_sealed, marked};
pub(crate) use data_key::{DataKey, Place};
pub(crate) use destroy::DestroyKeys;
pub(crate) use fingerprint::check;
pub use fingerprint::named;
pub(crate) use keys::{Held, Hold};
pub use keys::{KeyError, Keys, Wrapped};
pub use master::MasterKeys;
pub(crate) use seal::{SealError, Sealing, seal};
#[cfg(test)]
mod tests;
