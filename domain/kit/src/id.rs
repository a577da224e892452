//! Ids as they travel: every id is one NATS token and one KV key.
//! Not here: where ids come from; contexts derive them and the runtime generates them.

use std::{
    fmt::{self, Write},
    str::FromStr,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest id in bytes. NATS allows more; a subject, a KV key and a log line stay readable with this.
const ID_BYTES_MAX: usize = 128;

/// An event's id: a UUIDv7, unique in the log.
pub type EventId = Uuid;

/// Why a text cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 128 characters out of A-Z a-z 0-9 _ = -")]
pub struct BadId;

fn checked(text: &str) -> Result<Arc<str>, BadId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'-');
    if text.is_empty() || text.len() > ID_BYTES_MAX || !text.bytes().all(allowed) {
        return Err(BadId);
    }
    Ok(text.into())
}

macro_rules! token {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(Arc<str>);

        impl $Name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                checked(text).map(Self)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$Name> for String {
            fn from(id: $Name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl From<Uuid> for $Name {
            fn from(id: Uuid) -> Self {
                Self(id.to_string().into())
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

token! {
    /// Which aggregate of its type: the last token of its subject.
    AggregateId
}

token! {
    /// The caller's name for one command: the idempotency key.
    CommandId
}

token! {
    /// Which part of an aggregate, such as one contact of a person. Unique only in there.
    PartId
}

impl AggregateId {
    /// The id of whatever `digest` stands for, in hexadecimal: unique, and nobody reads it back.
    #[must_use]
    pub fn hex(digest: [u8; 32]) -> Self {
        let mut text = String::with_capacity(64);
        for byte in digest {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }
}

impl From<PartId> for AggregateId {
    /// For a part that has an aggregate of its own elsewhere, under the same id.
    fn from(part: PartId) -> Self {
        Self(part.0)
    }
}

/// Namespace of derived command ids. Part of the wire: a repeat must derive the same id for ever.
const DERIVED: Uuid = Uuid::from_u128(0x6f1d_6c2e_87d1_5a7c_9d0b_3a52_6e45_c0de);

impl CommandId {
    /// The id of the `ordinal`-th command that `handler` sends because of `event`
    /// (UUIDv5, RFC 9562 section 5.5), so that a second delivery repeats the same command.
    #[must_use]
    pub fn derived(handler: &str, event: EventId, ordinal: usize) -> Self {
        Uuid::new_v5(&DERIVED, format!("{handler}:{event}:{ordinal}").as_bytes()).into()
    }

    /// Whether a handler derived this id (UUID version 5).
    #[must_use]
    pub fn is_derived(&self) -> bool {
        self.uuid().is_some_and(|id| id.get_version_num() == 5)
    }

    /// When the id was made, if it says so (UUIDv7, RFC 9562 section 5.7).
    #[must_use]
    pub fn made_at(&self) -> Option<DateTime<Utc>> {
        let uuid = self.uuid().filter(|id| id.get_version_num() == 7)?;
        let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    }

    fn uuid(&self) -> Option<Uuid> {
        Uuid::try_parse(self.as_str()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_would_change_a_subject_is_refused() {
        let long = "x".repeat(129);
        for text in ["", "a.b", "*", ">", "a b", "ä", "a\n", long.as_str()] {
            assert_eq!(text.parse::<AggregateId>(), Err(BadId), "{text:?}");
        }
        assert!("Az09_=-".parse::<AggregateId>().is_ok());
    }

    #[test]
    fn a_derived_id_is_the_same_each_time_and_known_as_derived() {
        let event = Uuid::from_u128(7);
        let id = CommandId::derived("welcome", event, 0);
        assert_eq!(id, CommandId::derived("welcome", event, 0));
        assert_ne!(id, CommandId::derived("welcome", event, 1));
        assert!(id.is_derived());
        assert_eq!(id.made_at(), None);
    }
}
