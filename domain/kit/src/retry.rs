//! How often a failed attempt is made again, and how long to wait before: values, no waiting.
//! Not here: which failure is of which class; the handlers' runtime knows.

use std::time::Duration;

/// How long one attempt of an effect may take, unless the effect says otherwise: long enough for
/// everything that goes on, and an end to everything that does not.
pub const TIME_LIMIT: Duration = Duration::from_secs(300);

/// How attempts of one class of failure follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Attempts in all, the first included; without a number there is no end.
    pub attempts: Option<u32>,
    /// The wait after the first failure.
    pub initial_delay: Duration,
    /// The longest wait.
    pub max_delay: Duration,
    /// By how much the wait grows with each failure.
    pub multiplier: f64,
    /// Which part of a wait is left to chance, from 0 (none) to 1 (all of it), so that those who
    /// failed together do not come back together.
    pub jitter: f64,
}

impl Retry {
    /// One attempt and no other.
    pub const NEVER: Self = Self::times(1, Duration::ZERO);

    /// `attempts` in all; the wait begins at `initial_delay` and doubles.
    #[must_use]
    pub const fn times(attempts: u32, initial_delay: Duration) -> Self {
        Self {
            attempts: Some(attempts),
            initial_delay,
            max_delay: Duration::from_secs(60),
            multiplier: 2.0,
            jitter: 0.0,
        }
    }

    /// For as long as it takes; the wait doubles from `initial_delay` up to `max_delay`, a fifth
    /// of it left to chance.
    #[must_use]
    pub const fn forever(initial_delay: Duration, max_delay: Duration) -> Self {
        Self { attempts: None, initial_delay, max_delay, multiplier: 2.0, jitter: 0.2 }
    }

    /// The wait after `failures` failed attempts (at least one); `None` if there is no attempt
    /// left. `random` lies in 0..1 and decides what is left to chance.
    #[must_use]
    pub fn delay(&self, failures: u32, random: f64) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| failures >= attempts) {
            return None;
        }
        let doublings = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial_delay.as_secs_f64() * self.multiplier.max(1.0).powi(doublings);
        // Written so that an overflow to infinity, or a factor that is no number, ends here.
        let whole = if grown < self.max_delay.as_secs_f64() {
            Duration::from_secs_f64(grown)
        } else {
            self.max_delay
        };
        Some(whole.mul_f64(1.0 - part(self.jitter) * part(random)))
    }
}

/// A part of one, whatever the number; one that is none is nothing.
fn part(of: f64) -> f64 {
    if of > 0.0 { of.min(1.0) } else { 0.0 }
}

/// How a handler's failed attempts are made again, by class of failure. Every other class is not
/// tried again by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// Something outside is away. Such an event is never given up, so only the waits count here.
    pub transient: Retry,
    /// The handler's code is wrong, or panics. After the last attempt the event is parked.
    pub bug: Retry,
}

impl Retries {
    /// A bug has three attempts, `2^attempt` seconds apart; what is away is asked again for as
    /// long as it takes, first after 50 ms, at last every 5 s.
    pub const DEFAULT: Self = Self {
        transient: Retry::forever(Duration::from_millis(50), Duration::from_secs(5)),
        bug: Retry::times(3, Duration::from_secs(2)),
    };
}

impl Default for Retries {
    fn default() -> Self {
        Self::DEFAULT
    }
}
