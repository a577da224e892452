//! Waiting longer after each failure, and never in step with others.

use std::time::Duration;

/// Exponential waits with jitter.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    initial: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    pub(crate) const fn new(initial: Duration, longest: Duration) -> Self {
        Self { initial, longest, attempts: 0 }
    }

    /// The next wait: between a half and the whole of the doubled one before.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = self.initial.saturating_mul(1 << self.attempts.min(20));
        self.attempts = self.attempts.saturating_add(1);
        doubled.min(self.longest).mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    pub(crate) const fn reset(&mut self) {
        self.attempts = 0;
    }
}
