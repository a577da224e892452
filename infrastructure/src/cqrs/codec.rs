//! How the events of a `cqrs-es` aggregate become payloads, and back.

use std::error::Error;

use cqrs_es::{Aggregate, DomainEvent};
use kit::{Event, EventSet};

use crate::envelope::Element;

/// Why a codec cannot write or read an event.
pub type CodecError = Box<dyn Error + Send + Sync>;

/// An event as it goes into the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name; the envelope puts the aggregate type before it.
    pub kind: String,
    /// The version of the shape of `data`.
    pub schema_version: u32,
    /// The payload as JSON, and what in it is personal.
    pub payload: kit::Written,
}

/// Writes and reads the events of `A`.
pub trait Codec<A: Aggregate>: Send + Sync {
    /// `event` as it goes into the envelope.
    ///
    /// # Errors
    /// If it has no such form.
    fn write(&self, event: &A::Event) -> Result<Written, CodecError>;

    /// The event that `element` holds, in the current shape.
    ///
    /// # Errors
    /// If it is not one of `A`'s events in a shape that can be read.
    fn read(&self, element: &Element<'_>) -> Result<A::Event, CodecError>;
}

/// The whole event as serde writes it; its own type and version name it. Nothing is upcast: old
/// shapes are for serde's defaults and aliases, or for a codec of one's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainJson;

/// A version that is not a number. `2` and `2.0` both are version 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} of {kind} does not begin with a whole number")]
pub struct BadVersion {
    /// The event's type.
    pub kind: String,
    /// Its version.
    pub version: String,
}

impl<A: Aggregate> Codec<A> for PlainJson {
    fn write(&self, event: &A::Event) -> Result<Written, CodecError> {
        let (kind, version) = (event.event_type(), event.event_version());
        let major = version.split('.').next().and_then(|major| major.parse().ok());
        let schema_version = major.ok_or_else(|| BadVersion { kind: kind.clone(), version })?;
        Ok(Written { kind, schema_version, payload: kit::personal::written(event)? })
    }

    fn read(&self, element: &Element<'_>) -> Result<A::Event, CodecError> {
        Ok(serde_json::from_str(element.json(&element.kind)?)?)
    }
}

/// Events that [`kit::events!`] declares: the payload alone, old versions upcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct KitEvents;

impl<A: Aggregate<Event: Event>> Codec<A> for KitEvents {
    fn write(&self, event: &A::Event) -> Result<Written, CodecError> {
        let kit::Kind { name, version } = event.kind();
        Ok(Written { kind: name.to_owned(), schema_version: version, payload: event.written()? })
    }

    fn read(&self, element: &Element<'_>) -> Result<A::Event, CodecError> {
        let kind = element.kind.split_once('.').map_or("", |(_, kind)| kind);
        let (version, data) = (element.schema_version, element.json(kind)?.as_bytes());
        Ok(A::Event::read(A::TYPE, kind, version, data)?)
    }
}
