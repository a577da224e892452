//! Effects: the asynchronous handlers that touch the outside, such as mail or HTTP.
//! Not here: delivery and retry; an effect only says how one event went.

use std::{future::Future, time::Duration};

use crate::{CommandId, EventSet, Recorded, Retries, Start};

/// How handling one event went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; the event is behind us.
    Done,
    /// Not now: the outside is away. The event waits and so do later ones of its key.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why, in words.
        reason: String,
    },
    /// It does not concern this handler after all; counted and visible.
    Skip {
        /// Why, in words.
        reason: String,
    },
    /// This event cannot be handled as it is: set it aside, and later ones of its key behind it,
    /// until somebody decides. Other keys go on.
    Park {
        /// Why, in words.
        reason: String,
    },
    /// Stop the handler: going on would do harm.
    Halt {
        /// Why, in words.
        reason: String,
    },
}

/// Whenever one of these events, then do this outside. Runs at least once per event.
pub trait Effect: Send + Sync + 'static {
    /// The effect's name. Part of the wire: it names the checkpoint.
    const NAME: &'static str;
    /// Where a new effect begins.
    const START: Start = Start::Registration;
    /// How failed attempts are made again.
    const RETRIES: Retries = Retries::DEFAULT;
    /// The events it reads.
    type When: EventSet;

    /// Handles `event`. `key` is the same for every delivery of it: hand it to the outside, so
    /// that the outside can tell a repeat.
    fn run(
        &self,
        event: &Recorded<Self::When>,
        key: &CommandId,
    ) -> impl Future<Output = Outcome> + Send;
}
