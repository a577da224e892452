//! Which idle aggregate goes first when there are too many: the one that was idle longest.
//! Not here: the aggregates themselves.

use std::collections::VecDeque;

/// Idle aggregates in the order in which they became idle. Entries of aggregates that have been
/// busy since then stay behind as stale until they reach the front or outnumber the rest.
#[derive(Debug, Default)]
pub(super) struct Idle {
    queue: VecDeque<Rest>,
    ticks: u64,
    count: usize,
    bytes: usize,
}

/// One aggregate's time of being idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) slot: usize,
    tick: u64,
    bytes: usize,
}

impl Idle {
    /// `slot`, which holds `bytes`, is idle from now on.
    pub(super) fn enter(&mut self, slot: usize, bytes: usize) -> Rest {
        self.ticks += 1;
        let rest = Rest { slot, tick: self.ticks, bytes };
        self.queue.push_back(rest);
        self.count += 1;
        self.bytes += bytes;
        rest
    }

    /// What [`Self::enter`] returned is no longer so.
    pub(super) fn leave(&mut self, rest: Rest) {
        self.count -= 1;
        self.bytes -= rest.bytes;
    }

    pub(super) const fn exceeds(&self, count: usize, bytes: usize) -> bool {
        self.count > count || self.bytes > bytes
    }

    /// The slot that has been idle longest. `is_current` tells a slot's rest from a stale one.
    pub(super) fn oldest(&mut self, is_current: impl Fn(&Rest) -> bool) -> Option<Rest> {
        while let Some(rest) = self.queue.pop_front() {
            if is_current(&rest) {
                return Some(rest);
            }
        }
        None
    }

    /// Drops stale entries once there are more of them than of the others.
    pub(super) fn tidy(&mut self, is_current: impl Fn(&Rest) -> bool) {
        if self.queue.len() > 2 * self.count + 1024 {
            self.queue.retain(is_current);
        }
    }
}
