//! One example of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use kit::scenario::id;
use uuid::Uuid;

use super::{
    Holder, Release, ReservationCommand, ReservationEvent, ReservationMade, ReservationReleased,
    Reserve,
};

/// The contact `contact` of the person `person`.
#[must_use]
pub fn holder(person: &str, contact: u128) -> Holder {
    Holder { person: id(person), contact: Uuid::from_u128(contact).into() }
}

/// Every event.
#[must_use]
pub fn events() -> Vec<ReservationEvent> {
    vec![
        ReservationMade { holder: holder("ada", 1) }.into(),
        ReservationReleased { holder: holder("ada", 1) }.into(),
    ]
}

/// Every command.
#[must_use]
pub fn commands() -> Vec<ReservationCommand> {
    vec![Reserve(holder("ada", 1)).into(), Release(holder("ada", 1)).into()]
}
