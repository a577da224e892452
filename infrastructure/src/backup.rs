//! Copies of streams in files, and putting them back on an empty server.
//!
//! One form is archive (`EVENTS`), backup (all that must come back) and source of a replay.
//! Not here: read models, which are folded again, and secrets.

mod adjust;
mod archive;
mod capture;
mod chain;
mod cut;
#[cfg(test)]
mod damage_tests;
mod files;
mod hand;
mod line;
mod manifest;
mod marker;
mod plan;
mod publish;
mod restore;
mod seen;
mod segment;
mod volume;
mod whole;
mod writer;

pub use archive::{Archived, archive};
pub(crate) use capture::blocking;
pub use chain::Chain;
pub use cut::{Cut, Rewound};
pub use line::Kept;
pub use manifest::Segment;
pub use marker::PutBack;
pub(crate) use marker::unfinished;
pub use plan::Plan;
pub use restore::{Restore, Restored};
pub use seen::{Progress, Seen};
pub use volume::{Fault, Reader, Volume};
pub use whole::{Backup, Contents, backup};
