//! Why an event could not be handled, grouped by what the runtime does next.
//! Not here: how long to wait; the backoff knows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kit::Unreadable;

use crate::envelope::fault;

/// A failed attempt at one event. The texts are for operators and never hold personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Something outside is away: try again for as long as it takes.
    #[error("{0}")]
    Transient(String),
    /// The handler's own code is wrong: a few attempts, then stop.
    #[error("{0}")]
    Bug(String),
    /// No repetition can help: the event cannot be read.
    #[error("{0}")]
    Permanent(String),
    /// The instance stops; the event is as it was.
    #[error("the instance stops")]
    Interrupted,
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        Self::Permanent(fault::of_event(error))
    }
}

/// Runs a handler's code; its panic is a bug to report and not the end of the process.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked()))
}

/// The failure that a caught panic becomes.
pub(crate) fn panicked() -> Failure {
    Failure::Bug("the handler's code panicked; standard error has the message".to_owned())
}
