//! A reservation: one verified address belongs to one person.
//!
//! The id is the keyed digest of the address's kind and normalised value in hexadecimal, so that
//! the first append on it decides who has it, and no subject shows an address.
//! Whoever needs to know that a verified address is the person's own waits for the reservation.
//! Not here: the address, and what becomes of the contact of whoever comes second.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod state;

pub use command::{Release, ReservationCommand, Reserve};
pub use error::ReservationError;
pub use event::{ReservationEvent, ReservationMade, ReservationReleased};
pub use state::{Holder, Reservation, ReservationStage};
