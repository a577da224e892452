//! How a product is driven: the contract of the kit, and of cqrs-es.
//! Not here: rules.

use kit::{Chart, Context, Machine};

use super::{Product, ProductCommand, ProductError, ProductEvent, examples};

impl kit::Aggregate for Product {
    const TYPE: &'static str = "product";
    const STATE_SCHEMA: u32 = 1;
    type Command = ProductCommand;
    type Event = ProductEvent;
    type Error = ProductError;

    fn decide(
        &self,
        command: &ProductCommand,
        _context: &Context,
    ) -> Result<Vec<ProductEvent>, ProductError> {
        self.decide(command)
    }

    fn evolve(&mut self, event: &ProductEvent) {
        self.advance(event);
    }

    fn command_examples() -> Vec<ProductCommand> {
        examples::commands()
    }

    fn charts() -> Vec<Chart> {
        vec![Chart::explore::<Self>("product", &examples::events())]
    }
}

kit::cqrs_aggregate!(Product);
