//! The limits of timers, with their reasons.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How the timers of one instance are watched.
#[derive(Debug, Clone, Copy)]
pub struct TimerOptions {
    /// How often the server is asked what has come due.
    pub poll_interval: Duration,
    /// How often everything is looked through for what was lost, or was left after failures.
    pub sweep_interval: Duration,
    /// How long after its time a schedule that has not fired counts as lost.
    pub lost_after: Duration,
    /// By how much the clocks of instances may differ. A refusal so soon after a timer's time may
    /// only mean that the deciding clock is behind: the command is sent once more after that.
    pub skew: Duration,
    /// This instance's clock.
    pub clock: fn() -> DateTime<Utc>,
}

impl Default for TimerOptions {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(200),
            sweep_interval: Duration::from_secs(60),
            lost_after: Duration::from_secs(10),
            skew: Duration::from_secs(10),
            clock: Utc::now,
        }
    }
}
