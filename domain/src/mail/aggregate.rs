//! How a mail is driven: the contract of the kit, and of cqrs-es.
//! Not here: rules.

use kit::{Chart, Context, Machine};

use super::{Mail, MailCommand, MailError, MailEvent, examples};

impl kit::Aggregate for Mail {
    const TYPE: &'static str = "mail";
    const STATE_SCHEMA: u32 = 3;
    type Command = MailCommand;
    type Event = MailEvent;
    type Error = MailError;

    fn decide(
        &self,
        command: &MailCommand,
        _context: &Context,
    ) -> Result<Vec<MailEvent>, MailError> {
        self.decide(command)
    }

    fn evolve(&mut self, event: &MailEvent) {
        self.advance(event);
    }

    fn command_examples() -> Vec<MailCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        vec![Chart::explore::<Self>("mail", &examples::events())]
    }
}

kit::cqrs_aggregate!(Mail);
