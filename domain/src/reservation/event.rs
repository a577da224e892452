//! What can have happened to a reservation. Names and fields are the wire: add a version, never
//! edit one. Not here: where an event leads.

use kit::{AggregateId, PartId, Version};
use serde::{Deserialize, Serialize};

use super::Holder;

kit::events! {
    /// What can have happened to a reservation.
    pub enum ReservationEvent for "reservation" {
        "reservation-made" => ReservationMade: 1,
        "reservation-released" => ReservationReleased: 1,
    }
}

/// The address is this contact's now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReservationMade {
    /// The person.
    pub person: AggregateId,
    /// The contact of that person.
    pub contact: PartId,
    /// The person's version that verified the contact.
    pub as_of: Version,
}

/// The address is free again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReservationReleased {
    /// Whose it was.
    pub holder: Holder,
}
