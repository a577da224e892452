//! What may be asked of a reservation.
//! Not here: the rules.

use kit::{AggregateId, PartId, Version};
use serde::{Deserialize, Serialize};

use super::Holder;

kit::commands! {
    /// What may be asked of a reservation.
    pub enum ReservationCommand {
        "reserve" => Reserve,
        "release" => Release,
    }
}

/// Give the address to this contact of this person, if nobody else has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// The person.
    pub person: AggregateId,
    /// The contact of that person.
    pub contact: PartId,
    /// The person's version that verified the contact.
    pub as_of: Version,
}

/// Give the address up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Release(
    /// Who gives it up.
    pub Holder,
);
