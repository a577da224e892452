//! The rules of reservations.
//! Not here: where an event leads.

use super::{
    Holder, Release, Reservation, ReservationCommand, ReservationError, ReservationEvent,
    ReservationMade, ReservationReleased, Reserve,
};

type Decision = Result<Vec<ReservationEvent>, ReservationError>;

impl Reservation {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`ReservationError`], if it may not be.
    pub fn decide(&self, command: &ReservationCommand) -> Decision {
        match command {
            ReservationCommand::Reserve(reserve) => self.reserve(reserve),
            ReservationCommand::Release(Release(asking)) => self.release(asking),
        }
    }

    fn reserve(&self, reserve: &Reserve) -> Decision {
        let Reserve { person, contact, as_of } = reserve.clone();
        if let Self::Held { holder, as_of: known } = self {
            if holder.person != person {
                return Err(ReservationError::ContactTaken);
            }
            if *known >= as_of {
                return Ok(Vec::new());
            }
        }
        // One person may verify the address again, or move it to another of their contacts.
        Ok(vec![ReservationMade { person, contact, as_of }.into()])
    }

    fn release(&self, asking: &Holder) -> Decision {
        match self {
            Self::Free => Ok(Vec::new()),
            Self::Held { holder, .. } if holder != asking => Err(ReservationError::NotTheHolder),
            Self::Held { holder, .. } => {
                Ok(vec![ReservationReleased { holder: holder.clone() }.into()])
            }
        }
    }
}
