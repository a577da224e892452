//! Timers: commands for later, kept in the stream `TIMERS` and sent when their time has come.
//!
//! A timer belongs to the aggregate whose events set it, and its last record says which reaction to
//! which event wrote it. So a reaction that comes again finds itself or a later one and changes
//! nothing: it neither brings a cancelled or fired timer back, nor moves one that was moved since.
//! The server fires; one instance, by a lease, sends what was fired, and looks for what the server
//! lost. A timer fires when this instance's clock and the server's both say so.
//!
//! Not here: which timers there are; policies say so. Nor what becomes of a command that comes too
//! late; the aggregate decides.

mod fire;
mod keep;
mod options;
mod owner;
mod record;
mod report;
mod store;

pub use options::TimerOptions;
pub use record::{Cause, Planned, TimerName, TimerRecord};
pub use report::{TimerReport, TimerState, list, overdue};

pub(crate) use owner::{NAME, Owner};
pub(crate) use store::{TimerError, TimerStore};
