//! Personal data in events: declared by its type, kept apart when it is written, and possibly gone
//! when it is read.
//!
//! Whoever keeps the log seals each field of an event's data in which a personal value stands, and can
//! destroy the key. Not here: keys and ciphers.

mod fields;

use std::{cell::Cell, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value about a person, in an event.
///
/// On the wire of readers it is the value itself, and `null` once it is erased; so an `Option` of it is
/// simply empty then. It stands in a field of the event's data, alone or in an `Option`. What was
/// written before its type said so is read as it is. `Debug` does not show it.
///
/// ```
/// use kit::Personal;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Submitted { email: Personal<String>, from: Option<Personal<String>>, seats: u8 }
///
/// let known: Submitted = serde_json::from_str(r#"{"email":"ada@example.org","from":"web","seats":2}"#)?;
/// assert_eq!(known.email.known().map(String::as_str), Some("ada@example.org"));
/// let erased: Submitted = serde_json::from_str(r#"{"email":null,"from":null,"seats":2}"#)?;
/// assert_eq!(erased, Submitted { email: Personal::Erased, from: None, seats: 2 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Personal<T> {
    /// It is here.
    Known(T),
    /// It was, and nobody can read it any more.
    Erased,
}

impl<T> Personal<T> {
    /// The value, unless it is erased.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }

    /// The value, unless it is erased.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Erased => None,
        }
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(..)",
            Self::Erased => "Erased",
        })
    }
}

thread_local! {
    /// How many known values this thread has written. A value counts itself, so that none is written
    /// unnoticed, wherever in an event it stands.
    static KNOWN: Cell<u64> = const { Cell::new(0) };
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => {
                KNOWN.set(KNOWN.get() + 1);
                value.serialize(serializer)
            }
            Self::Erased => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Erased, Self::Known))
    }
}

/// An event's data as JSON, and what in it is personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The data.
    pub data: Vec<u8>,
    /// The fields of the data in which a personal value stands.
    pub personal: Vec<String>,
}

/// Writes `payload` and finds out which of its fields are personal.
///
/// # Errors
/// If a value has no JSON form, or a personal one stands in data that have no fields.
pub fn written<P: Serialize>(payload: &P) -> serde_json::Result<Written> {
    let (data, personal) = noticed(|| serde_json::to_vec(payload))?;
    // Most data hold nothing personal, and pay nothing for those that do.
    let personal = if personal { payload.serialize(fields::Fields)? } else { Vec::new() };
    Ok(Written { data, personal })
}

/// What `write` gives, and whether it wrote anything personal.
fn noticed<T>(write: impl FnOnce() -> serde_json::Result<T>) -> serde_json::Result<(T, bool)> {
    let before = KNOWN.get();
    let done = write()?;
    Ok((done, KNOWN.get() != before))
}
