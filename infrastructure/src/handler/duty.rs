//! What the owner of a handler works under: its lease, its limits, and the wish to stop.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{sync::watch, time};
use tokio_util::sync::CancellationToken;

use super::{Failure, HandlerOptions, backoff::Backoff, lease::Validity, status::Gauge};

/// One epoch of one handler.
#[derive(Clone)]
pub(crate) struct Duty {
    pub(crate) name: &'static str,
    pub(crate) epoch: u64,
    pub(crate) options: HandlerOptions,
    pub(crate) gauge: Gauge,
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
    /// At an event that cannot be handled, in words.
    Halted(String),
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

    /// Runs `attempt` until it succeeds: a transient failure for as long as it takes, a bug a few
    /// times, anything else once.
    pub(crate) async fn persist<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let (mut backoff, mut failures, mut bugs) = (self.backoff(), 0_u32, 0_u32);
        loop {
            let failure = match attempt().await {
                Ok(value) => {
                    if failures > 0 {
                        self.gauge.recovered();
                    }
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            let delay = match &failure {
                Failure::Transient(_) => backoff.next(),
                Failure::Bug(_) if bugs + 1 < self.options.bug_attempts_max => {
                    bugs += 1;
                    self.options.bug_delay.saturating_mul(1 << (bugs - 1).min(20))
                }
                _ => return Err(failure),
            };
            let handler = self.name;
            tracing::warn!(handler, retry_in_ms = delay.as_millis(), "attempt failed: {failure}");
            self.gauge.retrying(&failure.to_string(), failures == 0);
            failures = failures.saturating_add(1);
            if !self.pause(delay).await {
                return Err(Failure::Interrupted);
            }
        }
    }
}
