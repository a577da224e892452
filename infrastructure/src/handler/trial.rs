//! The attempts at one event: made again by the handler's own rule, and remembered.
//! Not here: what becomes of an event that has no attempt left; the runner decides.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use kit::Retries;
use tokio::sync::SemaphorePermit;

use super::{Failure, duty::Duty};
use crate::deadletter::Cursor;

/// Failed attempts that are remembered one by one; of the others only the number is.
const REMEMBERED_MAX: usize = 16;
/// Bytes of an error's words that are kept: all that are remembered fit a record beside the commit.
const WORDS_MAX: usize = 2048;

/// `words`, cut where they are too many to be kept.
pub(super) fn shortened(mut words: String) -> String {
    if words.len() > WORDS_MAX {
        words.truncate(words.floor_char_boundary(WORDS_MAX));
        words.push('…');
    }
    words
}

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
    /// When the first of all failed.
    pub(crate) first: Option<DateTime<Utc>>,
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
        let time = Utc::now();
        self.first.get_or_insert(time);
        self.last.push(Attempt { time, error: shortened(error) });
    }
}

/// How often one thing has failed so far, by class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    transients: u32,
    bugs: u32,
    /// What the outside had answered to others before.
    answered: u64,
}

impl Tally {
    const fn any(self) -> bool {
        self.transients > 0 || self.bugs > 0
    }

    /// Counts `failure`, and says how long to wait after it; none if it is the last one.
    fn delay(&mut self, failure: &Failure, retries: &Retries) -> Option<Duration> {
        let random = fastrand::f64();
        let delay = match failure {
            Failure::Transient(_) => {
                self.transients = self.transients.saturating_add(1);
                retries.transient.delay(self.transients, random)
            }
            Failure::Later { after, .. } => {
                self.transients = self.transients.saturating_add(1);
                Some(*after)
            }
            Failure::Bug(_) => {
                self.bugs = self.bugs.saturating_add(1);
                retries.bug.delay(self.bugs, random)
            }
            _ => None,
        };
        match delay {
            // A handler's rule may say how fast, but not that an outage ends in a dead letter.
            None if failure.is_transient() => Some(retries.transient.max_delay),
            delay => delay,
        }
    }
}

/// What an event is handled for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Occasion {
    /// It is the first of its commit, and nothing of it has begun.
    pub(crate) fresh: bool,
    /// It is handled in a drain, which must not stand in others' way.
    pub(crate) drained: bool,
    /// Somebody asked for another attempt: what was refused before then is decided anew.
    pub(crate) asked: Option<DateTime<Utc>>,
}

/// One event in the hands of a handler. Holds one of the places for keys that are worked on at the
/// same time, except while it waits.
pub(crate) struct Trial<'a> {
    pub(crate) duty: &'a Duty,
    pub(crate) failed: Attempts,
    pub(crate) occasion: Occasion,
    retries: Retries,
    at: Cursor,
    /// Whether others know that it fails.
    fails: bool,
    place: Option<SemaphorePermit<'a>>,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(duty: &'a Duty, retries: Retries, at: Cursor, occasion: Occasion) -> Self {
        let failed = Attempts::default();
        Self { duty, failed, occasion, retries, at, fails: false, place: None }
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
        let mut tally = self.tally();
        loop {
            self.take_place().await?;
            match attempt().await {
                Ok(value) => {
                    self.through(tally);
                    return Ok(value);
                }
                Err(failure) => self.again(failure, &mut tally).await?,
            }
        }
    }

    /// Something outside has answered: whatever fails now, it is not away for all.
    pub(crate) fn answered(&self) {
        self.duty.pressure.note_answer();
    }

    /// Nothing has failed yet.
    pub(crate) fn tally(&self) -> Tally {
        Tally { transients: 0, bugs: 0, answered: self.duty.pressure.answered() }
    }

    /// What was tried again has got through.
    pub(crate) fn through(&self, tally: Tally) {
        if tally.any() {
            self.duty.gauge.recovered();
        }
    }

    /// Waits for the next attempt after `failure`.
    ///
    /// # Errors
    /// The failure, if there is none.
    pub(crate) async fn again(
        &mut self,
        failure: Failure,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if failure == Failure::Interrupted {
            return Err(failure);
        }
        self.failed.push(failure.to_string());
        let first = !tally.any();
        // Others get through, and wait only because this one holds them up.
        if failure.is_transient()
            && tally.transients >= self.duty.options.waiting_attempts_min
            && self.duty.pressure.is_full()
            && self.duty.pressure.answered() > tally.answered
        {
            self.through(*tally);
            return Err(Failure::Waiting(failure.to_string()));
        }
        let Some(delay) = tally.delay(&failure, &self.retries) else {
            self.through(*tally);
            return Err(failure);
        };
        let enough = tally.transients >= self.duty.options.waiting_attempts_min
            || delay > self.retries.transient.max_delay;
        if self.occasion.drained && failure.is_transient() && enough {
            self.through(*tally);
            let reason = failure.to_string();
            return Err(Failure::Rests { at: self.at, after: delay, reason });
        }
        let handler = self.duty.name;
        tracing::warn!(handler, retry_in_ms = delay.as_millis(), "attempt failed: {failure}");
        self.duty.gauge.retrying(&failure.to_string(), first);
        if !self.fails {
            self.fails = true;
            self.duty.gauge.fails(self.at);
        }
        self.leave_place();
        if self.duty.pause(delay).await { Ok(()) } else { Err(Failure::Interrupted) }
    }

    /// Lets another key be worked on meanwhile.
    pub(crate) fn leave_place(&mut self) {
        self.place = None;
    }

    pub(crate) async fn take_place(&mut self) -> Result<(), Failure> {
        if self.place.is_some() {
            return Ok(());
        }
        let place = tokio::select! {
            biased;
            // Nothing has begun that would have to be done again.
            () = self.duty.stop.cancelled(), if self.occasion.fresh => None,
            place = self.duty.places.acquire() => place.ok(),
        };
        self.place = Some(place.ok_or(Failure::Interrupted)?);
        self.occasion.fresh = false;
        Ok(())
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.fails {
            self.duty.gauge.fails_no_more(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_remembered_behind_however_many() {
        let mut attempts = Attempts::one("0".to_owned());
        let first = attempts.last[0].time;
        for more in 1..=REMEMBERED_MAX {
            attempts.push(more.to_string());
        }
        assert_eq!(attempts.last.len(), REMEMBERED_MAX);
        assert_eq!(attempts.last[0].error, "1");
        assert_eq!(attempts.first, Some(first));
    }
}
