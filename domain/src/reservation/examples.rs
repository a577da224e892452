//! One example of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use kit::{Version, scenario::id};
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

/// `reserve` for a contact that a version of its person has verified.
#[must_use]
pub fn reserve(person: &str, contact: u128, as_of: u64) -> Reserve {
    let Holder { person, contact } = holder(person, contact);
    Reserve { person, contact, as_of: Version(as_of) }
}

/// The event that follows it.
#[must_use]
pub fn made(person: &str, contact: u128, as_of: u64) -> ReservationEvent {
    let Holder { person, contact } = holder(person, contact);
    ReservationMade { person, contact, as_of: Version(as_of) }.into()
}

/// Every event.
#[must_use]
pub fn events() -> Vec<ReservationEvent> {
    vec![made("ada", 1, 4), ReservationReleased { holder: holder("ada", 1) }.into()]
}

/// Every command.
#[must_use]
pub fn commands() -> Vec<ReservationCommand> {
    vec![reserve("ada", 1, 4).into(), Release(holder("ada", 1)).into()]
}
