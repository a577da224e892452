//! What one stored message is in a chain of hashes, and how a chain goes on.
//! Not here: documents, and any stream: whoever chains messages of whatever stream uses this.

use std::{fmt, str::FromStr};

use kit::Position;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the framing of a message begins with, so that its hash is that of nothing else.
const MESSAGE: &str = "headwater-message-1";

/// A SHA-256, written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash([u8; 32]);

/// Not 64 digits of lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 digits of lower-case hexadecimal")]
pub struct BadHash;

/// A stored message as it is hashed. The time at which the server stored it is left out: a log that is
/// restored has other ones.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its place in the stream.
    pub position: Position,
    /// Its subject.
    pub subject: &'a str,
    /// Its headers as they were published, in any order of names.
    pub headers: &'a [(String, String)],
    /// Its payload.
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The hash of the message: of five netstrings, which are the word `headwater-message-1`, the position
    /// in decimal digits, the subject, the headers as lines `Name: value\n` sorted by name (those of one
    /// name in their order), and the payload.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let headers: String =
            headers.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let mut hasher = Sha256::new();
        let position = self.position.to_string();
        let parts = [MESSAGE, &position, self.subject, &headers].map(str::as_bytes);
        for part in parts.into_iter().chain([self.payload]) {
            hasher.update(format!("{}:", part.len()));
            hasher.update(part);
            hasher.update(",");
        }
        Hash(hasher.finalize().into())
    }
}

impl Hash {
    /// What a chain begins with.
    pub const START: Self = Self([0; 32]);

    /// The chain that ends here, with one more message in it.
    #[must_use]
    pub fn then(self, leaf: Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(leaf.0);
        Self(hasher.finalize().into())
    }

    /// The end of a hash of many bytes.
    #[must_use]
    pub(super) fn end(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(BadHash);
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| BadHash)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Hash {
    type Error = BadHash;

    fn try_from(text: String) -> Result<Self, BadHash> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn leaf(position: u64, subject: &str, pairs: &[(&str, &str)], payload: &str) -> Hash {
        let (position, headers) = (Position(position), headers(pairs));
        Message { position, subject, headers: &headers, payload: payload.as_bytes() }.leaf()
    }

    #[test]
    fn a_message_has_the_hash_that_standard_tools_give() {
        // printf '19:headwater-message-1,1:7,9:event.a.b,15:A: 1\nA: 2\nB: x\n,2:[],' | sha256sum
        let pairs = [("B", "x"), ("A", "1"), ("A", "2")];
        let expected = "476eab6dd43bb36e155fcbc804f887b8945a7589d777be5b2a0a93241f01d5d4";
        assert_eq!(leaf(7, "event.a.b", &pairs, "[]").to_string(), expected);
    }

    #[test]
    fn no_two_messages_are_framed_alike() {
        let all = [
            leaf(7, "event.a.b", &[("A", "1")], "[]"),
            leaf(8, "event.a.b", &[("A", "1")], "[]"),
            leaf(7, "event.a.c", &[("A", "1")], "[]"),
            leaf(7, "event.a.b", &[("A", "2")], "[]"),
            leaf(7, "event.a.b", &[("A", "1"), ("A", "1")], "[]"),
            leaf(7, "event.a.b", &[], "A: 1\n[]"),
            leaf(7, "event.a.b", &[("A", "1")], "[] "),
            leaf(7, "event.a.b", &[("A", "1")], ""),
        ];
        let distinct: std::collections::HashSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
        let names = leaf(7, "s", &[("A", "1"), ("B", "2")], "");
        assert_eq!(names, leaf(7, "s", &[("B", "2"), ("A", "1")], ""), "names have no order");
        let values = leaf(7, "s", &[("A", "1"), ("A", "2")], "");
        assert_ne!(values, leaf(7, "s", &[("A", "2"), ("A", "1")], ""), "values of one have");
    }

    #[test]
    fn a_hash_comes_back_as_it_was() {
        let hash = Hash::START.then(leaf(1, "s", &[], "x"));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);
        for bad in ["", "00", &"0".repeat(65), &"A".repeat(64), &"é".repeat(32), &"g".repeat(64)] {
            assert_eq!(bad.parse::<Hash>(), Err(BadHash), "{bad}");
        }
    }
}
