//! What has happened to a person's standing and life.
//! Not here: what else changes with it; the state says so.

use chrono::NaiveDate;

use crate::person::Reason;

payloads! {
    /// The person takes part.
    PersonActivated {}
    /// The person may not take part for now.
    PersonSuspended {
        /// Why.
        reason: Reason,
    }
    /// The person is again what they were before the suspension.
    PersonReactivated {
        /// Why.
        reason: Reason,
    }
    /// The person is dead.
    DeathRecorded {
        /// Since when.
        date: NaiveDate,
    }
    /// The person is not dead after all, and again what they were.
    DeathRetracted {
        /// How we know.
        reason: Reason,
    }
    /// The record is closed.
    PersonArchived {
        /// Why.
        reason: Reason,
    }
    /// The record is open again, as it was.
    PersonRestored {
        /// Why.
        reason: Reason,
    }
}
