//! The records on a dead letter's subject, as they are on the wire: JSON objects with a `kind`.
//! Kinds and fields are added, never changed. Not here: what a row of them amounts to.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::{EventId, Position};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    parked::Parked,
    reset::{Reset, Restored, Rewound},
};

/// A place in the log: a commit and an event in it. There is nothing below that: a stored event is
/// upcast into exactly one, since a shape is converted `Into` the next.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Cursor {
    /// The commit.
    pub position: Position,
    /// The event's place in it, from 0.
    pub index: usize,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.index)
    }
}

/// The event that a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its id; none if the whole commit cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// Its full type, `<aggregate>.<kind>`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub at: Cursor,
}

/// A JSON text that is kept as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(pub Box<RawValue>);

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// What a person wants done with a parked event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Handle it again as it is.
    Retry,
    /// Never handle it, and go on behind it.
    Discard,
    /// Handle it with other data.
    Override,
}

/// A request to the owner. Written by tools, after the last record that they saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// The request's own id.
    pub request: Uuid,
    /// What is to be done.
    pub action: Action,
    /// The event that was seen at the head of the key.
    pub event: Place,
    /// The data to handle instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
    /// The version of that data's shape; the stored event's own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// Who asks.
    pub who: String,
    /// Why.
    pub why: String,
    /// The stored selection that this request is one of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// When.
    pub time: DateTime<Utc>,
}

/// The owner does not do what was requested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declined {
    /// Which request.
    pub request: Uuid,
    /// Why not.
    pub reason: String,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// The event is never handled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discarded {
    /// Which event.
    pub event: Place,
    /// The request for it.
    pub request: Uuid,
    /// Who asked.
    pub who: String,
    /// Why.
    pub why: String,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// The event is handled with other data. What is stored in the log stays as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overridden {
    /// Which event.
    pub event: Place,
    /// The data.
    pub data: Json,
    /// The version of its shape; the stored event's own if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// The request for it.
    pub request: Uuid,
    /// Who asked.
    pub who: String,
    /// Why.
    pub why: String,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// The owner is on its way through what waited: everything before `to` is handled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drained {
    /// The next event to handle.
    pub to: Cursor,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// Nothing waits any more: the key is handled as any other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Released {
    /// Everything of the key up to this commit is handled.
    pub position: Position,
    /// The owner's epoch.
    pub epoch: u64,
    /// When.
    pub time: DateTime<Utc>,
}

/// An epoch begins. On the handler's own subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// The epoch.
    pub epoch: u64,
    /// The owner.
    pub instance: String,
    /// When.
    pub time: DateTime<Utc>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// An event failed for good, and its key stands still behind it.
    Parked(Box<Parked>),
    /// Somebody asks for something.
    Requested(Box<Requested>),
    /// The owner does not do it.
    Declined(Declined),
    /// An event is never handled.
    Discarded(Discarded),
    /// An event is handled with other data.
    Overridden(Overridden),
    /// Part of what waited is handled.
    Drained(Drained),
    /// All of what waited is handled.
    Released(Released),
    /// An epoch begins.
    Owned(Owned),
    /// Somebody asks for events to be delivered again.
    Reset(Box<Reset>),
    /// They are from now on.
    Rewound(Rewound),
    /// A checkpoint past the end of a restored log goes back to it.
    Restored(Box<Restored>),
}

/// Bytes that are no record, or one of a kind that newer code writes.
#[derive(Debug, thiserror::Error)]
#[error("not a record of a dead letter: {0}")]
pub struct BadRecord(#[from] serde_json::Error);

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// [`BadRecord`].
    pub fn decode(body: &[u8]) -> Result<Self, BadRecord> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Kind {
            Parked,
            Requested,
            Declined,
            Discarded,
            Overridden,
            Drained,
            Released,
            Owned,
            Reset,
            Rewound,
            Restored,
        }
        #[derive(Deserialize)]
        struct Tagged {
            kind: Kind,
        }
        // In two steps: what serde reads behind a tag cannot keep a JSON text as it was written.
        let Tagged { kind } = serde_json::from_slice(body)?;
        Ok(match kind {
            Kind::Parked => Self::Parked(serde_json::from_slice(body)?),
            Kind::Requested => Self::Requested(serde_json::from_slice(body)?),
            Kind::Declined => Self::Declined(serde_json::from_slice(body)?),
            Kind::Discarded => Self::Discarded(serde_json::from_slice(body)?),
            Kind::Overridden => Self::Overridden(serde_json::from_slice(body)?),
            Kind::Drained => Self::Drained(serde_json::from_slice(body)?),
            Kind::Released => Self::Released(serde_json::from_slice(body)?),
            Kind::Owned => Self::Owned(serde_json::from_slice(body)?),
            Kind::Reset => Self::Reset(serde_json::from_slice(body)?),
            Kind::Rewound => Self::Rewound(serde_json::from_slice(body)?),
            Kind::Restored => Self::Restored(serde_json::from_slice(body)?),
        })
    }

    /// The record's bytes.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn encode(&self) -> serde_json::Result<Bytes> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// The epoch of the owner that wrote it; none for a tool's.
    #[must_use]
    pub const fn epoch(&self) -> Option<u64> {
        match self {
            Self::Parked(it) => Some(it.epoch),
            Self::Requested(_) | Self::Reset(_) | Self::Restored(_) => None,
            Self::Declined(it) => Some(it.epoch),
            Self::Discarded(it) => Some(it.epoch),
            Self::Overridden(it) => Some(it.epoch),
            Self::Drained(it) => Some(it.epoch),
            Self::Released(it) => Some(it.epoch),
            Self::Owned(it) => Some(it.epoch),
            Self::Rewound(it) => Some(it.epoch),
        }
    }
}
