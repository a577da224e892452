//! The bridge to cqrs-es: our aggregates are its aggregates, our events its events.
//! Not here: its runtime, which we do not use.

use std::fmt;

use crate::Context;

/// What cqrs-es calls `Services`: where a decision gets its context from.
pub struct ContextSource(Box<dyn Fn() -> Context + Send + Sync>);

impl ContextSource {
    /// A source that asks `source` for each command's context.
    pub fn new(source: impl Fn() -> Context + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }

    /// The context of the next command.
    #[must_use]
    pub fn context(&self) -> Context {
        (self.0)()
    }
}

impl fmt::Debug for ContextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextSource(..)")
    }
}

/// Implements `cqrs_es::Aggregate` for a type that is a [`crate::Aggregate`].
#[macro_export]
macro_rules! cqrs_aggregate {
    ($Aggregate:ty) => {
        impl $crate::cqrs_es::Aggregate for $Aggregate {
            const TYPE: &'static str = <Self as $crate::Aggregate>::TYPE;
            type Command = <Self as $crate::Aggregate>::Command;
            type Event = <Self as $crate::Aggregate>::Event;
            type Error = <Self as $crate::Aggregate>::Error;
            type Services = $crate::ContextSource;

            async fn handle(
                &mut self,
                command: Self::Command,
                services: &Self::Services,
                sink: &$crate::cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), Self::Error> {
                // The context is not `Sync`, so it must be gone before the first await.
                let events = $crate::Aggregate::decide(self, &command, &services.context())?;
                for event in events {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: Self::Event) {
                $crate::Aggregate::evolve(self, &event);
            }
        }
    };
}
