//! What can be seen of a handler from outside.
//! Not here: exporting it; the metrics read this.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    breaker::{Breaker, BreakerStatus},
    event_meter::EventMeter,
    in_hand::InHand,
};
use crate::{
    composition::{HandlerInfo, HandlerKind},
    deadletter::Cursor,
};

/// What a handler is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum HandlerState {
    /// Another instance owns it, or nobody does yet.
    Waiting,
    /// It handles events or waits for them.
    Running,
    /// It tries again, for as long as it takes.
    Retrying {
        /// What failed.
        reason: String,
    },
    /// It stands still because going on would do harm, and skips nothing.
    Halted {
        /// Why, and at which event.
        reason: String,
    },
    /// It was asked to stop.
    Stopped,
}

impl HandlerState {
    /// The names of all states.
    pub const NAMES: [&'static str; 5] = ["waiting", "running", "retrying", "halted", "stopped"];

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Retrying { .. } => "retrying",
            Self::Halted { .. } => "halted",
            Self::Stopped => "stopped",
        }
    }
}

/// One handler as this instance sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerStatus {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: HandlerKind,
    /// What it is doing.
    #[serde(flatten)]
    pub state: HandlerState,
    /// The epoch in which this instance owns it.
    pub epoch: Option<u64>,
    /// The commit up to which everything is handled.
    pub position: u64,
    /// Commits of its aggregates that it has not handled.
    pub lag: u64,
    /// When the first of them was committed, or the last one before it if it has not arrived yet;
    /// none if there is nothing to handle.
    pub oldest: Option<DateTime<Utc>>,
    /// Events handled, since the instance started. One that is handled again counts again.
    pub handled: u64,
    /// Orders that aggregates refused, since the instance started.
    pub refused: u64,
    /// Events that an effect passed over, since the instance started.
    pub skipped: u64,
    /// Attempts beyond the first, since the instance started.
    pub retries: u64,
    /// Keys among the dead letters.
    pub parked: u64,
    /// Commits that wait there, parked or behind what is.
    pub waiting: u64,
    /// The circuit breaker of what it depends on outside.
    pub breaker: Option<BreakerStatus>,
    /// What is in hand behind the position.
    #[serde(skip)]
    pub in_hand: InHand,
    #[serde(skip)]
    retrying: usize,
    /// Reasons to stand still.
    #[serde(skip)]
    halts: usize,
}

impl HandlerStatus {
    /// How old the first commit is that is not handled; at most so old, if it has not arrived yet.
    #[must_use]
    pub fn lag_at(&self, now: DateTime<Utc>) -> Duration {
        let age = self.oldest.map(|oldest| (now - oldest).to_std().unwrap_or_default());
        age.unwrap_or_default()
    }
}

/// The writing side of one handler's status.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    status: watch::Sender<HandlerStatus>,
    breaker: Option<Breaker>,
    /// Counts single events.
    pub(crate) events: Arc<EventMeter>,
}

impl Gauge {
    pub(crate) fn new(info: HandlerInfo, breaker: Option<Breaker>) -> Self {
        let status = HandlerStatus {
            name: info.name.to_owned(),
            kind: info.kind,
            state: HandlerState::Waiting,
            epoch: None,
            position: 0,
            lag: 0,
            oldest: None,
            handled: 0,
            refused: 0,
            skipped: 0,
            retries: 0,
            parked: 0,
            waiting: 0,
            breaker: None,
            in_hand: InHand::default(),
            retrying: 0,
            halts: 0,
        };
        let events = Arc::new(EventMeter::new(info.name));
        Self { status: watch::Sender::new(status), breaker, events }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<HandlerStatus> {
        self.status.subscribe()
    }

    pub(crate) fn now(&self) -> HandlerStatus {
        let breaker = self.breaker.as_ref().map(Breaker::status);
        let handled = self.events.handled();
        HandlerStatus { breaker, handled, ..self.status.borrow().clone() }
    }

    pub(crate) fn waiting(&self) {
        self.enter(HandlerState::Waiting, None);
    }

    pub(crate) fn running(&self, epoch: u64) {
        self.enter(HandlerState::Running, Some(epoch));
    }

    pub(crate) fn stopped(&self) {
        self.enter(HandlerState::Stopped, None);
    }

    /// It stands still; until [`Self::relieved`], if the reason can pass.
    pub(crate) fn halted(&self, reason: String) {
        self.status.send_modify(|status| {
            status.halts += 1;
            status.state = HandlerState::Halted { reason };
        });
    }

    /// One reason to stand still is gone.
    pub(crate) fn relieved(&self) {
        self.status.send_modify(|status| {
            status.halts = status.halts.saturating_sub(1);
            if status.halts == 0 && matches!(status.state, HandlerState::Halted { .. }) {
                status.state = HandlerState::Running;
            }
        });
    }

    fn enter(&self, state: HandlerState, epoch: Option<u64>) {
        self.status.send_modify(|status| {
            (status.state, status.epoch) = (state, epoch);
            (status.retrying, status.halts) = (0, 0);
            if epoch.is_none() {
                status.in_hand = InHand::default();
            }
        });
    }

    /// Counts a failed attempt and shows `reason` until [`Self::recovered`].
    pub(crate) fn retrying(&self, reason: &str, first: bool) {
        self.status.send_modify(|status| {
            status.retries += 1;
            status.retrying += usize::from(first);
            // That it stands still is worse, and what is in hand may go on failing meanwhile.
            if status.halts == 0 {
                status.state = HandlerState::Retrying { reason: reason.to_owned() };
            }
        });
    }

    /// One of those that were retrying has got through.
    pub(crate) fn recovered(&self) {
        self.status.send_modify(|status| {
            status.retrying = status.retrying.saturating_sub(1);
            if status.retrying == 0 && matches!(status.state, HandlerState::Retrying { .. }) {
                status.state = HandlerState::Running;
            }
        });
    }

    pub(crate) fn refused(&self) {
        self.status.send_modify(|status| status.refused += 1);
    }

    pub(crate) fn skipped(&self) {
        self.status.send_modify(|status| status.skipped += 1);
    }

    pub(crate) fn parked(&self, parked: u64, waiting: u64) {
        self.status.send_if_modified(|status| {
            let moved = (status.parked, status.waiting) != (parked, waiting);
            (status.parked, status.waiting) = (parked, waiting);
            moved
        });
    }

    pub(crate) fn progress(&self, position: u64, lag: u64, oldest: Option<DateTime<Utc>>) {
        self.status.send_if_modified(|status| {
            let moved = (status.position, status.lag) != (position, lag);
            (status.position, status.lag, status.oldest) = (position, lag, oldest);
            moved
        });
    }

    /// Says what stands behind `position`, if that is still where the handler is.
    pub(crate) fn lags(&self, position: u64, lag: u64, oldest: Option<DateTime<Utc>>) {
        self.status.send_if_modified(|status| {
            let is_here = status.position == position;
            if is_here {
                (status.lag, status.oldest) = (lag, oldest);
            }
            is_here
        });
    }

    /// Says which commits are in hand.
    pub(crate) fn in_hand(&self, taken: u64, open: impl Iterator<Item = u64>) {
        // Nobody waits for this.
        self.status.send_if_modified(|status| {
            status.in_hand.see(taken, open);
            false
        });
    }

    /// An event has failed and is tried again.
    pub(crate) fn fails(&self, at: Cursor) {
        self.status.send_modify(|status| status.in_hand.fails(at));
    }

    /// It is not tried again any more.
    pub(crate) fn fails_no_more(&self, at: Cursor) {
        self.status.send_modify(|status| status.in_hand.fails_no_more(at));
    }

    /// The commits at hand are not handled, and go back to `oldest`.
    pub(crate) fn held_up(&self, oldest: Option<DateTime<Utc>>) {
        self.status.send_modify(|status| status.oldest = oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_says_so_until_every_reason_is_gone() {
        let gauge = Gauge::new(HandlerInfo { name: "h", kind: HandlerKind::Effect }, None);
        gauge.running(7);
        gauge.halted("no room".to_owned());
        gauge.halted("none here either".to_owned());
        gauge.retrying("something in hand fails", true);
        gauge.recovered();
        gauge.relieved();
        let still = HandlerState::Halted { reason: "none here either".to_owned() };
        assert_eq!(gauge.now().state, still);
        gauge.relieved();
        assert_eq!(gauge.now().state, HandlerState::Running);
    }
}
