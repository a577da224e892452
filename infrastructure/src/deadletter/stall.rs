//! A write that waits, for all to see. Not here: what is written, and how often it is tried.

use std::time::{Duration, Instant};

use crate::handler::Gauge;

/// A write that waits no longer than this is nobody's business.
const UNSEEN: Duration = Duration::from_secs(1);

/// One write into the queue of dead letters. Until it is dropped, the handler says that it waits.
pub(super) struct Stall<'a> {
    gauge: &'a Gauge,
    begun: Instant,
    told: bool,
}

impl<'a> Stall<'a> {
    pub(super) fn new(gauge: &'a Gauge) -> Self {
        Self { gauge, begun: Instant::now(), told: false }
    }

    /// One more attempt has failed.
    pub(super) fn failed(&mut self, why: &str) {
        if self.begun.elapsed() < UNSEEN {
            return;
        }
        let reason = format!("its dead letters cannot be written: {why}");
        self.gauge.retrying(&reason, !self.told);
        self.told = true;
    }
}

impl Drop for Stall<'_> {
    fn drop(&mut self) {
        if self.told {
            self.gauge.recovered();
        }
    }
}
