//! Events, their integer versions, and the typed way from every old shape to the current one.
//! Not here: the envelope around the payload.

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

/// Declares the events of an aggregate: the wire name, the payload struct and its version.
/// Names and versions are the wire: add a version, never edit one.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct LampLit { pub lumens: u32 }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct LampLitV1 { pub bright: bool }
/// impl From<LampLitV1> for LampLit {
///     fn from(old: LampLitV1) -> Self { Self { lumens: if old.bright { 800 } else { 200 } } }
/// }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct LampPutOut {}
///
/// kit::events! {
///     /// What happens to a lamp.
///     pub enum LampEvent for "lamp" {
///         "lamp-lit" => LampLit: 2 from LampLitV1,
///         "lamp-put-out" => LampPutOut: 1,
///     }
/// }
/// kit::past! { LampLitV1: 1 }
///
/// use kit::EventSet;
/// let lit = LampEvent::read("lamp", "lamp-lit", 1, br#"{"bright":true}"#)?;
/// assert_eq!(lit, LampEvent::LampLit(LampLit { lumens: 800 }));
/// # Ok::<(), kit::Unreadable>(())
/// ```
///
/// An aggregate whose events hold [`Personal`](crate::Personal) values declares the event that erases
/// them with `[erases]` behind its version.
///
/// ```
/// use kit::{Event, Personal};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct GuestCame { pub name: Personal<String>, pub room: u16 }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct PersonalDataErased {}
///
/// kit::events! {
///     /// What happens to a guest.
///     pub enum GuestEvent for "guest" {
///         "guest-came" => GuestCame: 1,
///         "personal-data-erased" => PersonalDataErased: 1 [erases],
///     }
/// }
///
/// let came = GuestEvent::from(GuestCame { name: "Ada".to_owned().into(), room: 7 });
/// assert_eq!(came.written()?.personal, ["name"]);
/// assert_eq!(GuestEvent::ERASES, ["personal-data-erased"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! events {
    ($(#[$doc:meta])* $visibility:vis enum $Events:ident for $aggregate:literal {
        $($name:literal => $Payload:ident : $version:literal $([$mark:ident])? $(from $Old:path)?),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "kit::serde")]
        $visibility enum $Events {
            $(#[doc = concat!("`", $name, "`, version ", $version, ".")] $Payload($Payload),)*
        }

        $(impl From<$Payload> for $Events {
            fn from(payload: $Payload) -> Self { Self::$Payload(payload) }
        }
        impl $crate::Payload for $Payload {
            const VERSION: u32 = $version;
            type Previous = $crate::events!(@previous $Payload $(, $Old)?);
        })*

        impl $crate::EventSet for $Events {
            fn aggregates() -> Vec<&'static str> { vec![$aggregate] }

            fn read(
                aggregate: &str, kind: &str, version: u32, data: &[u8],
            ) -> Result<Self, $crate::Unreadable> {
                match (aggregate, kind) {
                    $(($aggregate, $name) => {
                        $crate::decode::<$Payload>(kind, version, data).map(Self::$Payload)
                    })*
                    _ => Err($crate::Unreadable::Unknown {
                        aggregate: aggregate.to_owned(), kind: kind.to_owned(),
                    }),
                }
            }
        }

        impl $crate::Event for $Events {
            const AGGREGATE: &'static str = $aggregate;
            const KINDS: &'static [$crate::Kind] =
                &[$($crate::Kind { name: $name, version: $version }),*];
            const ERASES: &'static [&'static str] =
                &[$($($crate::events!(@$mark $name),)?)*];

            fn kind(&self) -> $crate::Kind {
                match self {
                    $(Self::$Payload(_) => $crate::Kind { name: $name, version: $version },)*
                }
            }

            fn data(&self) -> $crate::serde_json::Result<Vec<u8>> {
                match self {
                    $(Self::$Payload(payload) => $crate::serde_json::to_vec(payload),)*
                }
            }

            fn written(&self) -> $crate::serde_json::Result<$crate::Written> {
                match self {
                    $(Self::$Payload(payload) => $crate::personal::written(payload),)*
                }
            }
        }

        impl $crate::cqrs_es::DomainEvent for $Events {
            fn event_type(&self) -> String { $crate::describe(self) }
            fn event_version(&self) -> String { $crate::Event::kind(self).version.to_string() }
        }
    };
    (@previous $Payload:ident) => { $Payload };
    (@previous $Payload:ident, $Old:path) => { $Old };
    (@erases $name:literal) => { $name };
}

/// Declares a retired shape as a link of a version chain; see [`events!`](crate::events).
#[macro_export]
macro_rules! past {
    ($($Old:path : $version:literal $(from $Older:path)?),* $(,)?) => {
        $(impl $crate::Payload for $Old {
            const VERSION: u32 = $version;
            type Previous = $crate::past!(@previous $Old $(, $Older)?);
        })*
    };
    (@previous $Old:path) => { $Old };
    (@previous $Old:path, $Older:path) => { $Older };
}

/// Declares what a handler reads when the events of one aggregate are not enough: a union of the
/// events of several.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct LampLit {}
/// kit::events! { pub enum LampEvent for "lamp" { "lamp-lit" => LampLit: 1 } }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct DoorOpened {}
/// kit::events! { pub enum DoorEvent for "door" { "door-opened" => DoorOpened: 1 } }
///
/// kit::union! {
///     /// What wakes the dog.
///     pub enum Noise { Door(DoorEvent), Lamp(LampEvent) }
/// }
///
/// use kit::EventSet;
/// assert_eq!(Noise::aggregates(), ["door", "lamp"]);
/// assert_eq!(Noise::read("lamp", "lamp-lit", 1, b"{}")?, Noise::Lamp(LampLit {}.into()));
/// assert!(Noise::read("window", "lamp-lit", 1, b"{}").is_err());
/// # Ok::<(), kit::Unreadable>(())
/// ```
#[macro_export]
macro_rules! union {
    ($(#[$doc:meta])* pub enum $Union:ident { $($Member:ident($Events:ty)),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $Union {
            $(#[doc = concat!("One of [`", stringify!($Events), "`].")] $Member($Events),)*
        }

        $(impl From<$Events> for $Union {
            fn from(event: $Events) -> Self { Self::$Member(event) }
        })*

        impl $crate::EventSet for $Union {
            fn aggregates() -> Vec<&'static str> {
                vec![$(<$Events as $crate::Event>::AGGREGATE),*]
            }

            fn read(
                aggregate: &str, kind: &str, version: u32, data: &[u8],
            ) -> Result<Self, $crate::Unreadable> {
                $(if aggregate == <$Events as $crate::Event>::AGGREGATE {
                    return <$Events as $crate::EventSet>::read(aggregate, kind, version, data)
                        .map(Self::$Member);
                })*
                Err($crate::Unreadable::Unknown {
                    aggregate: aggregate.to_owned(), kind: kind.to_owned(),
                })
            }
        }
    };
}
