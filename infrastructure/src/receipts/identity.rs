//! What tells one command from another: its id, what was asked, and what the id says of its age.
//! Not here: which commands were carried out.

use chrono::{DateTime, Utc};
use kit::{CommandId, Position};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A command id in 16 bytes: a UUID in canonical text is itself, any other id is the beginning of
/// its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Uuid", into = "Uuid")]
pub struct CommandKey(u128);

impl From<&CommandId> for CommandKey {
    fn from(id: &CommandId) -> Self {
        let mut canonical = [0; uuid::fmt::Hyphenated::LENGTH];
        let uuid = Uuid::try_parse(id.as_str())
            .ok()
            .filter(|uuid| uuid.hyphenated().encode_lower(&mut canonical) == id.as_str());
        Self(uuid.map_or_else(|| beginning(&Sha256::digest(id.as_str())), |uuid| uuid.as_u128()))
    }
}

fn beginning(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// What was asked: SHA-256 over the command's name, a zero byte, which no name holds, and the
/// body's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandHash([u8; 32]);

impl CommandHash {
    /// The hash of one request.
    #[must_use]
    pub fn of(name: &str, body: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(name).chain_update([0]).chain_update(body);
        Self(hash.finalize().into())
    }

    /// In hexadecimal, as events carry it.
    #[must_use]
    pub fn to_hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        let mut hex = String::with_capacity(2 * self.0.len());
        for byte in self.0 {
            hex.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        hex
    }

    /// What a receipt keeps of it.
    #[must_use]
    pub fn fingerprint(self) -> Fingerprint {
        Fingerprint(beginning(&self.0))
    }
}

/// The first 128 bits of a [`CommandHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Uuid", into = "Uuid")]
pub struct Fingerprint(u128);

// Saved as UUIDs: JSON has no 128-bit numbers, and the keys mostly are UUIDs.
macro_rules! saved_as_uuid {
    ($($Name:ident)*) => {
        $(
            impl From<Uuid> for $Name {
                fn from(saved: Uuid) -> Self {
                    Self(saved.as_u128())
                }
            }

            impl From<$Name> for Uuid {
                fn from(number: $Name) -> Self {
                    Self::from_u128(number.0)
                }
            }
        )*
    };
}

saved_as_uuid! { CommandKey Fingerprint }

impl Fingerprint {
    /// Reads an event's `commandhash`. Total: what is not a hash equals no command's.
    #[must_use]
    pub fn read(hex: &str) -> Self {
        let head = hex.get(..32).filter(|_| hex.len() == 64);
        let number = head.and_then(|head| u128::from_str_radix(head, 16).ok());
        Self(number.unwrap_or_else(|| beginning(&Sha256::digest(hex))))
    }

    /// Whether a command with the fingerprint `asked` is the one that this was kept of. What an erased
    /// hash was of nobody knows: then the id alone tells.
    #[must_use]
    pub fn is_of(self, asked: Self) -> bool {
        self == asked || self == Self::read("")
    }
}

/// What an id says about the earliest place its command can have in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// After the event that caused it.
    Event(Position),
    /// Not before it was made.
    Clock(DateTime<Utc>),
    /// Anywhere.
    Unknown,
}

impl Origin {
    /// Reads it from the id, and for derived ids from `Causation-Position`.
    #[must_use]
    pub fn of(id: &CommandId, caused: Option<Position>) -> Self {
        let event = caused.filter(|_| id.is_derived()).map(Self::Event);
        event.or_else(|| id.made_at().map(Self::Clock)).unwrap_or(Self::Unknown)
    }
}
