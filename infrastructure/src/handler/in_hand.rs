//! The commits that an owner has taken in and not handled, as far as others need to know.
//! Not here: taking and handling them.

use serde::{Deserialize, Serialize};

use crate::deadletter::Cursor;

/// As many commits and failing events are named; of more nothing is known outside.
pub(crate) const NAMED_MAX: usize = 32;

/// What an owner says of the commits behind its position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InHand {
    /// Every commit up to this one has been taken in.
    taken: u64,
    /// The first commits that are not handled.
    open: Vec<u64>,
    /// Events that have failed and are tried again.
    failing: Vec<Cursor>,
}

impl InHand {
    /// Takes the first open commits in; `taken` counts only if these are all.
    pub(crate) fn see(&mut self, taken: u64, open: impl Iterator<Item = u64>) {
        self.open.clear();
        self.open.extend(open.take(NAMED_MAX));
        let known = (self.open.len() == NAMED_MAX).then(|| self.open.last().copied()).flatten();
        self.taken = known.map_or(taken, |last| last.min(taken));
    }

    /// An event has failed and will be tried again.
    pub(crate) fn fails(&mut self, at: Cursor) {
        if self.failing.len() < NAMED_MAX {
            self.failing.push(at);
        }
    }

    /// It fails no more, or is parked.
    pub(crate) fn fails_no_more(&mut self, at: Cursor) {
        self.failing.retain(|failing| *failing != at);
    }

    /// Whether the commit at `position` was taken in; `Some(false)` if it is handled already.
    pub(crate) fn is_open(&self, position: u64) -> Option<bool> {
        (position <= self.taken).then(|| self.open.contains(&position))
    }

    /// Whether the event is tried again.
    pub(crate) fn is_failing(&self, at: Cursor) -> bool {
        self.failing.contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_commits_than_are_named_nothing_is_said() {
        let mut hand = InHand::default();
        hand.see(9, [4, 6].into_iter());
        let told: Vec<_> = [4, 5, 6, 9, 10].map(|at| hand.is_open(at)).into();
        assert_eq!(told, [Some(true), Some(false), Some(true), Some(false), None]);
        hand.see(500, 100..400);
        assert_eq!((hand.is_open(131), hand.is_open(132)), (Some(true), None));
    }
}
