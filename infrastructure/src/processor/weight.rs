//! How many bytes the state of a loaded aggregate holds, near enough to bound the cache by them.
//! Not here: receipts, which know their own.

use crate::aggregates::AnyState;

/// Commits of fewer bytes than this change too little to measure the state again.
const MEASURED_AFTER: usize = 4 * 1024;

/// The bytes of a state as JSON when it was last measured, and of the commits that it has taken
/// since: it grows by no more than they hold. All commits together would not do: a hot aggregate
/// has a long history and a small state.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Weight {
    measured: usize,
    since: usize,
}

impl Weight {
    /// Of a state that a snapshot holds in so many bytes.
    pub(super) const fn saved(bytes: usize) -> Self {
        Self { measured: bytes, since: 0 }
    }

    /// The state has taken a commit of so many bytes.
    pub(super) const fn take(&mut self, bytes: usize) {
        self.since += bytes;
    }

    /// The bytes that `state` holds. It is measured once as much came since as it may hold, so
    /// that no more is ever measured than was written.
    pub(super) fn of(&mut self, state: &dyn AnyState) -> usize {
        if self.since > self.measured.max(MEASURED_AFTER)
            && let Some(bytes) = state.bytes()
        {
            *self = Self::saved(bytes);
        }
        self.measured + self.since
    }
}
