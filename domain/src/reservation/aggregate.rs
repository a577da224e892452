//! How a reservation is driven: the contract of the kit, and of cqrs-es.
//! Not here: rules.

use kit::{Chart, Context, Machine};

use super::{Reservation, ReservationCommand, ReservationError, ReservationEvent, examples};

impl kit::Aggregate for Reservation {
    const TYPE: &'static str = "reservation";
    const STATE_SCHEMA: u32 = 1;
    type Command = ReservationCommand;
    type Event = ReservationEvent;
    type Error = ReservationError;

    fn decide(
        &self,
        command: &ReservationCommand,
        _context: &Context,
    ) -> Result<Vec<ReservationEvent>, ReservationError> {
        self.decide(command)
    }

    fn evolve(&mut self, event: &ReservationEvent) {
        self.advance(event);
    }

    fn command_examples() -> Vec<ReservationCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        vec![Chart::explore::<Self>("reservation", &examples::events())]
    }
}

kit::cqrs_aggregate!(Reservation);
