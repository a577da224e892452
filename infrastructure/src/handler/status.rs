//! What can be seen of a handler from outside.
//! Not here: metrics; whoever exports them reads this.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::breaker::{Breaker, BreakerStatus};
use crate::composition::{HandlerInfo, HandlerKind};

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
    /// Orders that aggregates refused, since the instance started.
    pub refused: u64,
    /// Events that an effect passed over, since the instance started.
    pub skipped: u64,
    /// Attempts beyond the first, since the instance started.
    pub retries: u64,
    /// Keys among the dead letters.
    pub parked: u64,
    /// Commits that wait behind them.
    pub waiting: u64,
    /// The circuit breaker of what it depends on outside.
    pub breaker: Option<BreakerStatus>,
    #[serde(skip)]
    retrying: usize,
}

/// The writing side of one handler's status.
#[derive(Debug, Clone)]
pub(crate) struct Gauge(watch::Sender<HandlerStatus>, Option<Breaker>);

impl Gauge {
    pub(crate) fn new(info: HandlerInfo, breaker: Option<Breaker>) -> Self {
        let status = HandlerStatus {
            name: info.name.to_owned(),
            kind: info.kind,
            state: HandlerState::Waiting,
            epoch: None,
            position: 0,
            lag: 0,
            refused: 0,
            skipped: 0,
            retries: 0,
            parked: 0,
            waiting: 0,
            breaker: None,
            retrying: 0,
        };
        Self(watch::Sender::new(status), breaker)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<HandlerStatus> {
        self.0.subscribe()
    }

    pub(crate) fn now(&self) -> HandlerStatus {
        let breaker = self.1.as_ref().map(Breaker::status);
        HandlerStatus { breaker, ..self.0.borrow().clone() }
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

    pub(crate) fn halted(&self, reason: String) {
        self.0.send_modify(|status| status.state = HandlerState::Halted { reason });
    }

    fn enter(&self, state: HandlerState, epoch: Option<u64>) {
        self.0.send_modify(|status| {
            (status.state, status.epoch, status.retrying) = (state, epoch, 0);
        });
    }

    /// Counts a failed attempt and shows `reason` until [`Self::recovered`].
    pub(crate) fn retrying(&self, reason: &str, first: bool) {
        self.0.send_modify(|status| {
            status.retries += 1;
            status.retrying += usize::from(first);
            status.state = HandlerState::Retrying { reason: reason.to_owned() };
        });
    }

    /// One of those that were retrying has got through.
    pub(crate) fn recovered(&self) {
        self.0.send_modify(|status| {
            status.retrying = status.retrying.saturating_sub(1);
            if status.retrying == 0 && matches!(status.state, HandlerState::Retrying { .. }) {
                status.state = HandlerState::Running;
            }
        });
    }

    pub(crate) fn refused(&self) {
        self.0.send_modify(|status| status.refused += 1);
    }

    pub(crate) fn skipped(&self) {
        self.0.send_modify(|status| status.skipped += 1);
    }

    pub(crate) fn parked(&self, parked: u64, waiting: u64) {
        self.0.send_if_modified(|status| {
            let moved = (status.parked, status.waiting) != (parked, waiting);
            (status.parked, status.waiting) = (parked, waiting);
            moved
        });
    }

    pub(crate) fn progress(&self, position: u64, lag: u64) {
        self.0.send_if_modified(|status| {
            let moved = (status.position, status.lag) != (position, lag);
            (status.position, status.lag) = (position, lag);
            moved
        });
    }
}
