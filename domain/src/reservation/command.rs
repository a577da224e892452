//! What may be asked of a reservation.
//! Not here: the rules.

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
#[serde(transparent)]
pub struct Reserve(
    /// Who is to have it.
    pub Holder,
);

/// Give the address up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Release(
    /// Who gives it up.
    pub Holder,
);
