//! The rules of reservations.
//! Not here: where an event leads.

use super::{
    Release, Reservation, ReservationCommand, ReservationError, ReservationEvent, ReservationMade,
    ReservationReleased, Reserve,
};

impl Reservation {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`ReservationError`], if it may not be.
    pub fn decide(
        &self,
        command: &ReservationCommand,
    ) -> Result<Vec<ReservationEvent>, ReservationError> {
        use ReservationCommand as C;
        match (self, command) {
            (Self::Held(holder), C::Reserve(Reserve(asking))) if holder == asking => Ok(Vec::new()),
            // One person may move the address to another of their contacts.
            (Self::Held(holder), C::Reserve(Reserve(asking))) if holder.person != asking.person => {
                Err(ReservationError::ContactTaken)
            }
            (_, C::Reserve(Reserve(asking))) => {
                Ok(vec![ReservationMade { holder: asking.clone() }.into()])
            }
            (Self::Free, C::Release(_)) => Ok(Vec::new()),
            (Self::Held(holder), C::Release(Release(asking))) if holder != asking => {
                Err(ReservationError::NotTheHolder)
            }
            (Self::Held(holder), C::Release(_)) => {
                Ok(vec![ReservationReleased { holder: holder.clone() }.into()])
            }
        }
    }
}
