//! Where a reservation stands, and where each event leads.
//! Not here: the rules that make events.

use kit::{AggregateId, Machine, PartId, Version};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{ReservationEvent, ReservationMade};

/// Whose an address is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The person.
    pub person: AggregateId,
    /// The contact of that person.
    pub contact: PartId,
}

/// Where a reservation stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(ReservationStage),
    derive(VariantArray, IntoStaticStr),
    doc = "Where a reservation stands, without its data."
)]
pub enum Reservation {
    /// Nobody has the address.
    #[default]
    Free,
    /// Somebody has it.
    Held {
        /// Who.
        holder: Holder,
        /// The person's version that verified the contact last.
        as_of: Version,
    },
}

impl From<&ReservationMade> for Reservation {
    fn from(made: &ReservationMade) -> Self {
        let holder = Holder { person: made.person.clone(), contact: made.contact.clone() };
        Self::Held { holder, as_of: made.as_of }
    }
}

impl Machine for Reservation {
    type Event = ReservationEvent;
    type Stage = ReservationStage;

    #[rustfmt::skip] // A table: one arrow per line.
    fn after(self, event: &ReservationEvent) -> Result<Self, Self> {
        use ReservationEvent as E;
        Ok(match (self, event) {
            (Self::Free,        E::ReservationMade(e))     => e.into(),
            (Self::Held { .. }, E::ReservationMade(e))     => e.into(),
            (Self::Held { .. }, E::ReservationReleased(_)) => Self::Free,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> ReservationStage {
        self.into()
    }
}
