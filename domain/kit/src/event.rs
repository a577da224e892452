//! Events, their integer versions, and the typed way from every old shape to the current one.
//! Not here: the envelope around the payload.

mod declare;

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Written,
    json::{self, BadJson},
};

/// One shape of one event's data. `Previous` is the shape before it; version 1 names itself.
pub trait Payload: Serialize + DeserializeOwned {
    /// The shape's number, from 1.
    const VERSION: u32;
    /// The shape that this one replaced.
    type Previous: Payload + Into<Self>;
}

/// An event type of an aggregate and the version that is written today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name on the wire, such as `name-changed`.
    pub name: &'static str,
    /// The version that is written today; all from 1 to this one can be read.
    pub version: u32,
}

/// Why stored data cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// No such event type in this aggregate.
    #[error("{aggregate}.{kind} is not an event of this service")]
    Unknown {
        /// The aggregate type.
        aggregate: String,
        /// The event's name.
        kind: String,
    },
    /// A version that this code does not know, usually one written by newer code.
    #[error("{kind} version {version} is newer than {known}, the newest this service reads")]
    Newer {
        /// The event's name.
        kind: String,
        /// The version found.
        version: u32,
        /// The newest version known.
        known: u32,
    },
    /// The data does not have the shape of its version.
    #[error("{kind} version {version} does not have its shape: {source}")]
    Shape {
        /// The event's name.
        kind: String,
        /// The version found.
        version: u32,
        /// Where it differs.
        source: BadJson,
    },
    /// Part of the data is sealed, and whoever reads it has not opened it.
    #[error("{kind} version {version} is sealed")]
    Sealed {
        /// The event's name.
        kind: String,
        /// The version found.
        version: u32,
    },
}

/// What a handler reads: the events of one aggregate, or a union of several.
pub trait EventSet: Clone + Debug + Send + Sync + Sized + 'static {
    /// The aggregate types whose events these are.
    fn aggregates() -> Vec<&'static str>;

    /// Reads `data`, written as version `version` of `kind` of `aggregate`, into the current shape.
    ///
    /// # Errors
    /// [`Unreadable`], by what is wrong with it.
    fn read(aggregate: &str, kind: &str, version: u32, data: &[u8]) -> Result<Self, Unreadable>;
}

/// The events of one aggregate: an enum that [`events!`](crate::events) writes.
pub trait Event: EventSet + PartialEq {
    /// The aggregate type.
    const AGGREGATE: &'static str;
    /// Every event type with its current version.
    const KINDS: &'static [Kind];
    /// The event types that say that the personal data of the aggregate, all that was written before,
    /// is erased: the key under which it is sealed is destroyed because of them.
    const ERASES: &'static [&'static str];

    /// Which of [`Self::KINDS`] this is.
    fn kind(&self) -> Kind;

    /// The data alone, as JSON in the current shape.
    ///
    /// # Errors
    /// If a value has no JSON form, such as a map with keys that are not strings.
    fn data(&self) -> serde_json::Result<Vec<u8>>;

    /// The same, and which of its fields are personal.
    ///
    /// # Errors
    /// Those of [`Self::data`], or if a personal value stands in data without fields.
    fn written(&self) -> serde_json::Result<Written>;
}

/// Reads any version ever written, each shape converted into its successor.
///
/// # Errors
/// [`Unreadable::Newer`] for version 0 or one past the newest, [`Unreadable::Shape`] otherwise.
pub fn decode<P: Payload>(kind: &str, version: u32, data: &[u8]) -> Result<P, Unreadable> {
    const { assert!(P::VERSION == 1 || P::VERSION == <P::Previous as Payload>::VERSION + 1) }
    if version == 0 || version > P::VERSION {
        return Err(Unreadable::Newer { kind: kind.to_owned(), version, known: P::VERSION });
    }
    if version < P::VERSION {
        return decode::<P::Previous>(kind, version, data).map(Into::into);
    }
    json::read_stored(data).map_err(|source| Unreadable::Shape {
        kind: kind.to_owned(),
        version,
        source,
    })
}

/// The full type name on the wire, `<aggregate>.<kind>`.
#[must_use]
pub fn describe<E: Event>(event: &E) -> String {
    format!("{}.{}", E::AGGREGATE, event.kind().name)
}
