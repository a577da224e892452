//! What may be asked about a person's standing and life.
//! Not here: whether it may be done.

use chrono::NaiveDate;

use crate::person::Reason;

bodies! {
    /// Let the person take part.
    Activate {}
    /// Let the person not take part for now.
    Suspend {
        /// Why.
        reason: Reason,
    }
    /// End a suspension.
    Reactivate {
        /// Why.
        reason: Reason,
    }
    /// Say that the person is dead.
    RecordDeath {
        /// Since when.
        date: NaiveDate,
    }
    /// Say that the person is not dead after all. Only for a named user.
    RetractDeath {
        /// How we know.
        reason: Reason,
    }
    /// Close the record.
    Archive {
        /// Why.
        reason: Reason,
    }
    /// Open a closed record again.
    Restore {
        /// Why.
        reason: Reason,
    }
}
