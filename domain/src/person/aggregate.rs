//! The person as an aggregate of the kit and of cqrs-es.
//! Not here: anything that decides or evolves.

use kit::{Aggregate, Chart, Context};

use super::{
    Lifecycle, Person, PersonCommand, PersonError, PersonEvent, Recognition, Verification, examples,
};

impl Aggregate for Person {
    const TYPE: &'static str = "person";
    const STATE_SCHEMA: u32 = 1;
    type Command = PersonCommand;
    type Event = PersonEvent;
    type Error = PersonError;

    fn decide(
        &self,
        command: &PersonCommand,
        context: &Context,
    ) -> Result<Vec<PersonEvent>, PersonError> {
        self.consider(command, context)
    }

    fn evolve(&mut self, event: &PersonEvent) {
        self.take(event);
    }

    fn command_examples() -> Vec<PersonCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        let events = examples::events();
        vec![
            Chart::explore::<Lifecycle>("lifecycle", &events),
            Chart::explore::<Verification>("contact", &events),
            Chart::explore::<Recognition>("skill", &events),
        ]
    }
}

kit::cqrs_aggregate!(Person);
