//! The macros that declare events, retired shapes of them, and unions of several aggregates' events.
//! Not here: what they implement.

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
