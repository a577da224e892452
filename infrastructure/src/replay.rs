//! Replay: what a handler would make of a stretch of the log, without doing it.
//!
//! Nothing in this room can act. A policy or an effect is reduced to its pure functions, and a
//! projection folds into a scratch file of its own: there is no client here that could send, and
//! no checkpoint is read or written. Not here: delivering events to a live handler again.

mod folding;
mod log;
mod origin;
mod rehearsal;
mod run;
mod scope;

pub use folding::Folding;
pub(crate) use log::{check_time, last_until, open};
pub use origin::Origin;
pub use rehearsal::{Planned, PlannedOrder, Promise, Rehearsed};
pub use run::{Passed, Replay, Replayed};
pub use scope::{Bound, Scope, Selection};
