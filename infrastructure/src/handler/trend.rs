//! Where a handler is heading: how fast it handles events, and whether it falls behind.
//! Not here: when it is looked at; whoever renews the lease does.

use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

/// Two looks at one handler, some seconds apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trend {
    seen: Instant,
    handled: u64,
    lag: u64,
    /// Events handled per second between the two.
    pub(crate) rate: f64,
    /// Looks, since there was last less to handle, at which there was more than at the one before.
    pub(crate) growing: u32,
}

impl Trend {
    pub(crate) const fn new(now: Instant, handled: u64, lag: u64) -> Self {
        Self { seen: now, handled, lag, rate: 0.0, growing: 0 }
    }

    /// Takes another look, unless the last one was less than `interval` ago.
    pub(crate) fn look(&mut self, now: Instant, interval: Duration, handled: u64, lag: u64) {
        let elapsed = now.duration_since(self.seen);
        if elapsed < interval || elapsed.is_zero() {
            return;
        }
        self.rate = handled.saturating_sub(self.handled) as f64 / elapsed.as_secs_f64();
        self.growing = match lag.cmp(&self.lag) {
            Ordering::Greater => self.growing.saturating_add(1),
            Ordering::Equal => self.growing,
            Ordering::Less => 0,
        };
        (self.seen, self.handled, self.lag) = (now, handled, lag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_rate_is_events_over_the_time_between_two_looks() {
        let begin = Instant::now();
        let mut trend = Trend::new(begin, 100, 0);
        trend.look(begin + SECOND / 2, SECOND, 900, 0);
        assert!(trend.rate.abs() < f64::EPSILON, "too early");
        trend.look(begin + 2 * SECOND, SECOND, 300, 0);
        assert!((trend.rate - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_lag_grows_until_a_look_finds_less() {
        let begin = Instant::now();
        let mut trend = Trend::new(begin, 0, 5);
        let growing = |(look, lag): (u32, u64)| {
            trend.look(begin + look * SECOND, SECOND, 0, lag);
            trend.growing
        };
        let seen: Vec<_> = (1..).zip([6, 7, 7, 8, 7]).map(growing).collect();
        assert_eq!(seen, [1, 2, 2, 3, 0]);
    }
}
