//! What the owner of a handler works under: its lease, its limits, and the wish to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Semaphore, watch},
    time,
};
use tokio_util::sync::CancellationToken;

use super::{HandlerOptions, backoff::Backoff, lease::Validity, status::Gauge};

/// One epoch of one handler.
#[derive(Clone)]
pub(crate) struct Duty {
    pub(crate) name: &'static str,
    pub(crate) epoch: u64,
    pub(crate) options: HandlerOptions,
    pub(crate) gauge: Gauge,
    /// Keys that are worked on at the same time; one that waits gives its place away.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) validity: watch::Receiver<Validity>,
    /// Cancelled when the lease may belong to another, or a later owner has fenced this one.
    pub(crate) lost: CancellationToken,
    /// Cancelled when the instance stops or the handler halts: finish what runs, begin nothing.
    pub(crate) stop: CancellationToken,
}

/// How an owner's work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As asked; everything done is checkpointed.
    Stopped,
    /// The handler belongs to another by now.
    Lost,
    /// To begin anew, from where somebody asked for.
    Reset,
    /// At an event that cannot be handled, in words.
    Halted(String),
}

/// Whether failing keys hold others up.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    full: AtomicBool,
    answers: AtomicU64,
}

impl Pressure {
    /// As many commits are held as may be.
    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Something outside answered one of the keys.
    pub(crate) fn note_answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

impl Duty {
    /// Until when a command sent now may be carried out; `None` once the lease has run out.
    pub(crate) fn deadline(&self) -> Option<DateTime<Utc>> {
        let validity = *self.validity.borrow();
        validity.holds().then_some(validity.deadline)
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.options.retry_delay, self.options.retry_delay_max)
    }

    /// Waits; false if the instance stops meanwhile.
    pub(crate) async fn pause(&self, delay: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = time::sleep(delay) => true,
        }
    }
}
