//! The design request as an aggregate of the kit and of cqrs-es.
//! Not here: anything that decides or evolves.

use kit::{Aggregate, Chart, Context};

use super::{Design, DesignCommand, DesignError, DesignEvent, Lifecycle, Payment, examples};

impl Aggregate for Design {
    const TYPE: &'static str = "design";
    const STATE_SCHEMA: u32 = 5;
    type Command = DesignCommand;
    type Event = DesignEvent;
    type Error = DesignError;

    fn decide(
        &self,
        command: &DesignCommand,
        context: &Context,
    ) -> Result<Vec<DesignEvent>, DesignError> {
        self.consider(command, context)
    }

    fn evolve(&mut self, event: &DesignEvent) {
        self.take(event);
    }

    fn command_examples() -> Vec<DesignCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        let events = examples::events();
        vec![
            Chart::explore::<Lifecycle>("request", &events),
            Chart::explore::<Payment>("payment", &events),
        ]
    }
}

kit::cqrs_aggregate!(Design);
