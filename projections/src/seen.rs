//! An event as a document sees it, whichever runtime brought it: ours or one of cqrs-es.
//! Not here: what a document makes of it.

use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, EventEnvelope};
use kit::Recorded;

/// The name under which an envelope of cqrs-es may carry the time, as RFC 3339.
const TIME: &str = "time";

/// What a document is made of.
#[derive(Debug)]
pub(crate) struct Seen<'a, E> {
    pub(crate) id: &'a str,
    pub(crate) version: u64,
    /// cqrs-es itself keeps no time.
    pub(crate) time: Option<DateTime<Utc>>,
    pub(crate) event: &'a E,
}

impl<'a, E> Seen<'a, E> {
    /// The same place with another view of the event.
    pub(crate) const fn with<F>(&self, event: &'a F) -> Seen<'a, F> {
        Seen { id: self.id, version: self.version, time: self.time, event }
    }
}

impl<'a, E> From<&'a Recorded<E>> for Seen<'a, E> {
    fn from(recorded: &'a Recorded<E>) -> Self {
        Self {
            id: recorded.aggregate_id.as_str(),
            version: recorded.version.0,
            time: Some(recorded.time),
            event: &recorded.event,
        }
    }
}

impl<'a, A: Aggregate> From<&'a EventEnvelope<A>> for Seen<'a, A::Event> {
    fn from(envelope: &'a EventEnvelope<A>) -> Self {
        let time = envelope.metadata.get(TIME);
        let time = time.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        Self {
            id: &envelope.aggregate_id,
            version: u64::try_from(envelope.sequence).unwrap_or(u64::MAX),
            time: time.map(|time| time.with_timezone(&Utc)),
            event: &envelope.payload,
        }
    }
}
