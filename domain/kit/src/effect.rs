//! Effects: the asynchronous handlers that touch the outside, such as mail or HTTP.
//! Not here: delivery and retry; an effect only says how one event went.

use std::{future::Future, time::Duration};

use crate::{CommandId, EventSet, Order, Recorded, Retries, Start, TIME_LIMIT};

/// How handling one event went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; these orders record it, and then the event is behind us.
    Done(Vec<Order>),
    /// What it depends on is away, and has certainly done nothing. Tried again for as long as it
    /// takes; several in a row open the circuit breaker of [`Effect::DEPENDENCY`].
    Away {
        /// Why, in words without personal data.
        reason: String,
    },
    /// It was asked, and nobody knows what it did. Tried again where it may happen twice, and given
    /// up where it may not; either way it counts for the circuit breaker as [`Outcome::Away`] does.
    Unknown {
        /// Why, in words without personal data.
        reason: String,
    },
    /// Not now for this event, and nothing was done, which says nothing about others. The event
    /// waits and so do later ones of its key.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why, in words without personal data.
        reason: String,
    },
    /// There is nothing to do outside; counted and visible.
    Skip {
        /// Why, in words without personal data.
        reason: String,
        /// What records it.
        orders: Vec<Order>,
    },
    /// This event cannot be handled as it is, and nothing was done: set it aside, and later ones of
    /// its key behind it, until somebody decides. Other keys go on.
    Park {
        /// Why, in words without personal data.
        reason: String,
    },
    /// Stop the handler: going on would do harm. Nothing was done.
    Halt {
        /// Why, in words without personal data.
        reason: String,
    },
}

impl Outcome {
    /// It is done, and nothing needs to record it.
    #[must_use]
    pub const fn done() -> Self {
        Self::Done(Vec::new())
    }

    /// There is nothing to do outside, and nothing needs to record it.
    #[must_use]
    pub fn skip(reason: impl Into<String>) -> Self {
        Self::Skip { reason: reason.into(), orders: Vec::new() }
    }
}

/// What an effect promises when its end may not have been seen: after a crash, a panic, or
/// [`Outcome::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is run again: rather twice than never.
    AtLeastOnce,
    /// It is not run again: rather never than twice. Needs an [`Effect::intent`].
    AtMostOnce,
}

/// Whenever one of these events, then do this outside.
///
/// What is recorded about it is recorded by orders: [`intent`](Self::intent) before,
/// [`Outcome::Done`] after. An intent is an order that its aggregate takes up once at a time: while
/// it stands, the same order is `unchanged`, which is how an earlier attempt is recognised; when
/// the matter is over, it is refused, and the effect is not run.
pub trait Effect: Send + Sync + 'static {
    /// The effect's name. Part of the wire: it names the checkpoint.
    const NAME: &'static str;
    /// Where a new effect begins.
    const START: Start = Start::Registration;
    /// How failed attempts are made again.
    const RETRIES: Retries = Retries::DEFAULT;
    /// The name of what it depends on outside. Effects of one process that name the same share one
    /// circuit breaker; while that is open they wait, and nothing is lost or parked.
    const DEPENDENCY: Option<&'static str> = None;
    /// How long one attempt may take. It is cut off then, as if it had ended with
    /// [`Outcome::Unknown`]: what it has done by then nobody knows.
    const TIME_LIMIT: Duration = TIME_LIMIT;
    /// The events it reads.
    type When: EventSet;

    /// Whether there is anything to do for `event`. If not, it is behind us at once: nothing is
    /// recorded, and nothing outside is waited for.
    fn concerns(&self, _event: &Recorded<Self::When>) -> bool {
        true
    }

    /// What it promises for `event`.
    fn delivery(&self, _event: &Recorded<Self::When>) -> Delivery {
        Delivery::AtLeastOnce
    }

    /// What records that `event` is about to be handled. By default nothing.
    ///
    /// # Errors
    /// If a command has no JSON form.
    fn intent(&self, _event: &Recorded<Self::When>) -> serde_json::Result<Vec<Order>> {
        Ok(Vec::new())
    }

    /// Handles `event`. `key` is the same for every delivery of it: hand it to the outside, so
    /// that the outside can tell a repeat.
    fn run(
        &self,
        event: &Recorded<Self::When>,
        key: &CommandId,
    ) -> impl Future<Output = Outcome> + Send;

    /// What takes the intent back after an attempt that did nothing, [`Outcome::Away`],
    /// [`Outcome::Retry`], [`Outcome::Park`] or [`Outcome::Halt`], so that a later one knows. Only asked
    /// for where the delivery is at most once.
    ///
    /// # Errors
    /// If a command has no JSON form.
    fn withdrawn(&self, _event: &Recorded<Self::When>) -> serde_json::Result<Vec<Order>> {
        Ok(Vec::new())
    }

    /// What records that nobody knows how an earlier attempt at `event` ended, and that there will
    /// be no other. Only asked for where the delivery is at most once.
    ///
    /// # Errors
    /// If a command has no JSON form.
    fn interrupted(&self, _event: &Recorded<Self::When>) -> serde_json::Result<Vec<Order>> {
        Ok(Vec::new())
    }
}
