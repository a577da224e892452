//! The lines of a document. The format is a contract with whoever checks one, and is written down in
//! docs/adr/0023. Not here: making documents, and checking them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::{AggregateId, Position, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

use super::Hash;
use crate::envelope;

/// The format that is written here.
pub const FORMAT: &str = "headwater-history-1";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The first.
    History(Opening),
    /// One for each commit, in the order of the log.
    Commit(Entry),
    /// The last.
    Head(Head),
}

/// Whose history it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// [`FORMAT`].
    pub format: String,
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The subject of all its messages.
    pub subject: String,
}

/// One commit as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the stream.
    pub position: Position,
    /// When the server stored it, by its clock.
    pub stored_at: DateTime<Utc>,
    /// The version of its first event; none if the payload cannot be read.
    pub first_version: Option<Version>,
    /// The version of its last one.
    pub last_version: Option<Version>,
    /// The headers, sorted by name.
    pub headers: Vec<(String, String)>,
    /// The payload, byte for byte; base64 in JSON.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub payload: Bytes,
    /// The payload as the JSON that it is, for people; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Box<RawValue>>,
    /// The hash of the message.
    pub leaf: Hash,
    /// The chain up to here.
    pub chain: Hash,
}

/// What a history amounts to: short enough to be noted where nobody can change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// How many commits there are.
    pub commits: u64,
    /// The version of the last event that can be read.
    pub version: Version,
    /// Where the last commit stands.
    pub position: Position,
    /// The chain up to there.
    pub chain: Hash,
    /// The SHA-256 of all lines before this one, with their ends.
    pub lines: Hash,
    /// When it was exported.
    pub exported_at: DateTime<Utc>,
    /// By which program.
    pub program: String,
}

/// The versions of the first and the last event in a payload, if it can be read.
pub(super) fn versions(payload: &[u8]) -> Option<(Version, Version)> {
    let elements = envelope::decode(payload).ok()?;
    Some((elements.first()?.version, elements.last()?.version))
}

fn to_base64<S: Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(payload))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    STANDARD.decode(text.as_bytes()).map(Bytes::from).map_err(D::Error::custom)
}
