//! What a book can tell of commands that are older than its receipts.
//!
//! # Clocks
//!
//! A UUIDv7 says when its command was made, by the caller's clock; an event says when it was
//! decided, by this service's. An id that was made after the newest forgotten receipt was decided
//! cannot be that receipt's, if the caller's clock runs ahead of this service's by less than
//! [`SKEW_MAX`] (less than half of the book's span where a full book is shorter than that, which
//! takes more than 65,536 commands in two minutes). A caller whose clock runs further ahead and who
//! repeats a command after the book has forgotten it can have it carried out twice. A clock that
//! runs behind only costs a search.

use chrono::TimeDelta;
use kit::{CommandId, Position};

use super::{Forgotten, Origin, RECEIPTS_MAX, Receipts};

/// How far a caller's clock may run ahead of this service's.
pub const SKEW_MAX: TimeDelta = TimeDelta::minutes(1);

impl Receipts {
    /// Whether a command with this id and without a receipt here was never carried out, as far
    /// as can be told without reading the log. `absent_until`: the log is known not to hold the
    /// id up to there.
    #[must_use]
    pub fn rules_out(
        &self,
        id: &CommandId,
        caused: Option<Position>,
        absent_until: Position,
    ) -> bool {
        let Some(forgotten) = self.forgotten else { return true };
        if absent_until >= forgotten.position {
            return true;
        }
        match Origin::of(id, caused) {
            // What an event caused stands behind it.
            Origin::Event(position) => position >= forgotten.position,
            // Not from the same millisecond on, but after it: several commands of one commit are
            // decided in one.
            Origin::Clock(made) => made > forgotten.time + self.slack(forgotten),
            Origin::Unknown => false,
        }
    }

    fn slack(&self, forgotten: Forgotten) -> TimeDelta {
        // Only a full book forgets what is young. One that was cut to its minimum, for a snapshot
        // or after a burst, says nothing about how fast commands come.
        if self.ring.len() < RECEIPTS_MAX {
            return SKEW_MAX;
        }
        let span = self.ring.back().map_or(TimeDelta::zero(), |last| last.time - forgotten.time);
        SKEW_MAX.min(span / 2)
    }
}
