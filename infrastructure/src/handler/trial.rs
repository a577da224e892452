//! The attempts at one event: made again by the handler's own rule, and remembered.
//! Not here: what becomes of an event that has no attempt left; the runner decides.

use std::future::Future;

use chrono::{DateTime, Utc};
use kit::Retries;
use tokio::sync::SemaphorePermit;

use super::{Failure, duty::Duty};

/// Failed attempts that are remembered one by one; of the others only the number is.
const REMEMBERED_MAX: usize = 16;

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) time: DateTime<Utc>,
    pub(crate) error: String,
}

/// Failed attempts, the last ones in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) count: u32,
    pub(crate) last: Vec<Attempt>,
}

impl Attempts {
    /// One that failed just now.
    pub(crate) fn one(error: String) -> Self {
        let mut attempts = Self::default();
        attempts.push(error);
        attempts
    }

    fn push(&mut self, error: String) {
        self.count = self.count.saturating_add(1);
        if self.last.len() == REMEMBERED_MAX {
            self.last.remove(0);
        }
        self.last.push(Attempt { time: Utc::now(), error });
    }
}

/// One event in the hands of a handler. Holds one of the places for keys that are worked on at the
/// same time, except while it waits.
pub(crate) struct Trial<'a> {
    pub(crate) duty: &'a Duty,
    pub(crate) failed: Attempts,
    retries: Retries,
    place: Option<SemaphorePermit<'a>>,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(duty: &'a Duty, retries: Retries) -> Self {
        Self { duty, failed: Attempts::default(), retries, place: None }
    }

    /// Runs `attempt` until it succeeds: a transient failure for as long as it takes, a bug as
    /// often as the handler says, anything else once. Every failure is remembered.
    pub(crate) async fn persist<T, F>(
        &mut self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let (mut transients, mut bugs) = (0_u32, 0_u32);
        let answered = self.duty.pressure.answered();
        loop {
            self.take_place().await?;
            let failure = match attempt().await {
                Ok(value) => {
                    if transients + bugs > 0 {
                        self.duty.gauge.recovered();
                    }
                    return Ok(value);
                }
                Err(Failure::Interrupted) => return Err(Failure::Interrupted),
                Err(failure) => failure,
            };
            self.failed.push(failure.to_string());
            let first = transients + bugs == 0;
            // Others get through, and wait only because this one holds them up.
            if failure.is_transient()
                && transients >= self.duty.options.waiting_attempts_min
                && self.duty.pressure.is_full()
                && self.duty.pressure.answered() > answered
            {
                self.duty.gauge.recovered();
                return Err(Failure::Waiting(failure.to_string()));
            }
            let random = fastrand::f64();
            let delay = match &failure {
                Failure::Transient(_) => {
                    transients = transients.saturating_add(1);
                    self.retries.transient.delay(transients, random)
                }
                Failure::Later { after, .. } => {
                    transients = transients.saturating_add(1);
                    Some(*after)
                }
                Failure::Bug(_) => {
                    bugs = bugs.saturating_add(1);
                    self.retries.bug.delay(bugs, random)
                }
                _ => None,
            };
            // A handler's rule may say how fast, but not that an outage ends in a dead letter.
            let delay = match delay {
                None if failure.is_transient() => Some(self.retries.transient.max_delay),
                delay => delay,
            };
            let Some(delay) = delay else {
                if !first {
                    self.duty.gauge.recovered();
                }
                return Err(failure);
            };
            let handler = self.duty.name;
            tracing::warn!(handler, retry_in_ms = delay.as_millis(), "attempt failed: {failure}");
            self.duty.gauge.retrying(&failure.to_string(), first);
            self.place = None;
            if !self.duty.pause(delay).await {
                return Err(Failure::Interrupted);
            }
        }
    }

    /// Something outside has answered: whatever fails now, it is not away for all.
    pub(crate) fn answered(&self) {
        self.duty.pressure.note_answer();
    }

    async fn take_place(&mut self) -> Result<(), Failure> {
        if self.place.is_none() {
            let place = self.duty.places.acquire().await.map_err(|_| Failure::Interrupted)?;
            self.place = Some(place);
        }
        Ok(())
    }
}
