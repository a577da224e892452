//! How onboarding is driven: the contract of the kit, and of cqrs-es.
//! Not here: rules.

use kit::{Chart, Context, Machine};

use super::{Onboarding, OnboardingCommand, OnboardingError, OnboardingEvent, examples};

impl kit::Aggregate for Onboarding {
    const TYPE: &'static str = "onboarding";
    const STATE_SCHEMA: u32 = 1;
    type Command = OnboardingCommand;
    type Event = OnboardingEvent;
    type Error = OnboardingError;

    fn decide(
        &self,
        command: &OnboardingCommand,
        context: &Context,
    ) -> Result<Vec<OnboardingEvent>, OnboardingError> {
        self.decide(command, context)
    }

    fn evolve(&mut self, event: &OnboardingEvent) {
        self.advance(event);
    }

    fn command_examples() -> Vec<OnboardingCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        vec![Chart::explore::<Self>("onboarding", &examples::events())]
    }
}

kit::cqrs_aggregate!(Onboarding);
