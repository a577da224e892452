//! How an event of the inbox is driven: the contract of the kit, and of cqrs-es.
//! Not here: rules.

use kit::{Chart, Context, Machine};

use super::{StripeEvent, StripeEventCommand, StripeEventError, StripeEventEvent, examples};

impl kit::Aggregate for StripeEvent {
    const TYPE: &'static str = "stripe-event";
    const STATE_SCHEMA: u32 = 2;
    type Command = StripeEventCommand;
    type Event = StripeEventEvent;
    type Error = StripeEventError;

    fn decide(
        &self,
        command: &StripeEventCommand,
        context: &Context,
    ) -> Result<Vec<StripeEventEvent>, StripeEventError> {
        self.decide(command, context)
    }

    fn evolve(&mut self, event: &StripeEventEvent) {
        self.advance(event);
    }

    fn command_examples() -> Vec<StripeEventCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        vec![Chart::explore::<Self>("stripe-event", &examples::events())]
    }
}

kit::cqrs_aggregate!(StripeEvent);
