//! Why an event could not be handled, grouped by what the runtime does next.
//! Not here: how long to wait; the handler's own rule says so.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures::FutureExt as _;
use kit::Unreadable;
use tokio::time::timeout;

use super::Delivery;
use crate::{
    deadletter::{Class, Cursor},
    envelope::fault,
};

/// A failed attempt at one event. The texts are for operators and never hold personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Something outside is away: try again for as long as it takes.
    #[error("{0}")]
    Transient(String),
    /// The same, and the handler said when.
    #[error("{reason}")]
    Later {
        /// How long to wait.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// The handler's own code is wrong: a few attempts, then no more.
    #[error("{0}")]
    Bug(String),
    /// No repetition can help: the event cannot be read.
    #[error("{0}")]
    Permanent(String),
    /// Newer code wrote the event: this code cannot read it, the next release can.
    #[error("{0}")]
    Schema(String),
    /// The handler asked to set the event aside.
    #[error("{0}")]
    Asked(String),
    /// Something outside fails for this key, and not for others: it must not hold them up.
    #[error("{0}")]
    Waiting(String),
    /// A drain gives its lane back until the next attempt, so that others get their turn and so
    /// does whatever somebody asks for meanwhile.
    #[error("{reason}")]
    Rests {
        /// The event that is to be tried again.
        at: Cursor,
        /// How long to wait.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// Going on would do harm: the handler stops, and skips nothing.
    #[error("{0}")]
    Halt(String),
    /// The instance stops; the event is as it was.
    #[error("the instance stops")]
    Interrupted,
}

impl Failure {
    /// Whether the event is fine and only the moment is not.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_) | Self::Later { .. })
    }

    /// The class of its dead letter; none if the event is not to be parked.
    pub(crate) const fn class(&self) -> Option<Class> {
        match self {
            Self::Bug(_) => Some(Class::Bug),
            Self::Permanent(_) => Some(Class::Permanent),
            Self::Schema(_) => Some(Class::Schema),
            Self::Asked(_) => Some(Class::Asked),
            Self::Waiting(_) => Some(Class::Waiting),
            Self::Transient(_)
            | Self::Later { .. }
            | Self::Rests { .. }
            | Self::Halt(_)
            | Self::Interrupted => None,
        }
    }

    /// The same failure with its words changed.
    pub(crate) fn told(self, tell: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Transient(why) => Self::Transient(tell(why)),
            Self::Later { after, reason } => Self::Later { after, reason: tell(reason) },
            Self::Rests { at, after, reason } => Self::Rests { at, after, reason: tell(reason) },
            Self::Bug(why) => Self::Bug(tell(why)),
            Self::Permanent(why) => Self::Permanent(tell(why)),
            Self::Schema(why) => Self::Schema(tell(why)),
            Self::Asked(why) => Self::Asked(tell(why)),
            Self::Waiting(why) => Self::Waiting(tell(why)),
            Self::Halt(why) => Self::Halt(tell(why)),
            Self::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Self {
        if let Unreadable::Sealed { .. } = error {
            // Set aside, it would be lost to the handler; whoever mends the keys starts it again.
            return Self::Halt(format!("{error} and does not open; the log says why"));
        }
        let newer = matches!(error, Unreadable::Newer { .. } | Unreadable::Unknown { .. });
        let why = fault::of_event(error);
        if newer { Self::Schema(why) } else { Self::Permanent(why) }
    }
}

/// Runs a handler's code; its panic is a bug to report and not the end of the process.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked()))
}

/// Runs what a handler does outside, for as long as it may take; none if it has not ended then.
/// Whatever it does before it first waits is its own code, too.
pub(crate) async fn in_time<T>(
    limit: Duration,
    run: impl Future<Output = T>,
) -> Result<Option<T>, Failure> {
    let run = AssertUnwindSafe(async { timeout(limit, run).await.ok() }).catch_unwind();
    run.await.map_err(|_| panicked())
}

/// Why an attempt was cut off.
pub(crate) fn overdue(limit: Duration) -> String {
    format!("it was not done after {} ms, and was cut off", limit.as_millis())
}

/// The failure that a caught panic becomes.
pub(crate) fn panicked() -> Failure {
    Failure::Bug("the handler's code panicked; standard error has the message".to_owned())
}

/// The failure with the place where it happened.
pub(crate) fn place(failure: Failure, delivery: &Delivery, index: Option<usize>) -> Failure {
    let cursor = index.map_or_else(
        || delivery.position.to_string(),
        |index| format!("{}.{index}", delivery.position),
    );
    failure.told(|why| format!("{} at {cursor}: {why}", delivery.subject))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_cut_off_when_its_time_is_over() {
        let begun = Instant::now();
        assert_eq!(in_time(kit::TIME_LIMIT, pending::<()>()).await, Ok(None));
        assert_eq!(begun.elapsed().as_secs(), 300);
        let slow = tokio::time::sleep(kit::TIME_LIMIT - Duration::from_secs(1));
        assert_eq!(in_time(kit::TIME_LIMIT, slow).await, Ok(Some(())));
        let unlimited = tokio::time::sleep(Duration::from_secs(86_400));
        assert_eq!(in_time(Duration::MAX, unlimited).await, Ok(Some(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_bug_whenever_it_happens() {
        let at_once = in_time(kit::TIME_LIMIT, async { panic!("as it was told") });
        assert_eq!(at_once.await, Err::<Option<()>, _>(panicked()));
        let later = in_time(kit::TIME_LIMIT, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("as it was told")
        });
        assert_eq!(later.await, Err::<Option<()>, _>(panicked()));
    }
}
