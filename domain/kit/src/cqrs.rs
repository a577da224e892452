//! The bridge to cqrs-es: our aggregates are its aggregates, our events its events, and its views
//! may be our documents. Not here: its runtime, which we do not use.

use std::{collections::HashMap, fmt};

use chrono::{DateTime, SecondsFormat, Utc};
use cqrs_es::{EventEnvelope, View};

use crate::{Context, EventId, Metadata, Recorded};

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

/// What cqrs-es calls metadata: ours under the same names, and the event's own id and time.
#[must_use]
pub fn cqrs_metadata(
    id: EventId,
    time: DateTime<Utc>,
    metadata: &Metadata,
) -> HashMap<String, String> {
    let always = [
        ("event_id", id.to_string()),
        ("time", time.to_rfc3339_opts(SecondsFormat::Micros, true)),
        ("command_id", metadata.command_id.to_string()),
        ("command_hash", metadata.command_hash.clone()),
        ("correlation_id", metadata.correlation_id.clone()),
        ("hops", metadata.hops.to_string()),
    ];
    let sometimes = [
        ("causation_id", &metadata.causation_id),
        ("user_id", &metadata.user_id),
        ("session_id", &metadata.session_id),
        ("request_id", &metadata.request_id),
        ("traceparent", &metadata.traceparent),
    ];
    let sometimes = sometimes.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
    always.into_iter().chain(sometimes).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Takes `event` into a view of cqrs-es: what [`Projection::fold`](crate::Projection::fold) does if its
/// document is a view that somebody has already.
pub fn update_view<A: cqrs_es::Aggregate>(view: &mut impl View<A>, event: &Recorded<A::Event>) {
    view.update(&EventEnvelope {
        aggregate_id: event.aggregate_id.to_string(),
        sequence: usize::try_from(event.version.0).unwrap_or(usize::MAX),
        payload: event.event.clone(),
        metadata: cqrs_metadata(event.id, event.time, &event.metadata),
    });
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
