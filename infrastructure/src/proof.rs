//! One history as a document that anybody can check.
//!
//! It holds the stored bytes, a hash of each message, and a chain of hashes over all of them, in JSON
//! lines: one for the beginning, one for each commit, and one for the end, the head (docs/adr/0023).
//! Not here: reading the log; `archive` does that.

mod beside;
mod check;
mod document;
mod export;
mod finding;
mod hash;

pub use beside::Beside;
pub use check::{Check, Seen, Verdict};
pub use document::{Entry, FORMAT, Head, Line, Opening};
pub use export::Export;
pub use finding::{Fault, Finding};
pub use hash::{BadHash, Hash, Message};
