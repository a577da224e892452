//! Writing a commit. Whatever is written here, [`decode`](super::decode) reads back.

mod line;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::{EventId, Kind, Metadata, Version};

use crate::store::StreamKey;
use line::Line;

/// Bytes to set aside per event: about 600 of attributes and a small payload.
const EVENT_BYTES_TYPICAL: usize = 1024;

/// One event about to be written. `data` is the payload's JSON in the current shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The event's own id.
    pub id: EventId,
    /// Its name and the version that `data` has.
    pub kind: Kind,
    /// Where it stands in its aggregate.
    pub version: Version,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// The payload as JSON.
    pub data: Vec<u8>,
}

/// A [`NewEvent`] whose parts are borrowed and whose name is only known at run time.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The event's own id.
    pub id: EventId,
    /// Its name without the aggregate.
    pub kind: &'a str,
    /// The version that `data` has.
    pub schema_version: u32,
    /// Where it stands in its aggregate.
    pub version: Version,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// The payload as JSON.
    pub data: &'a [u8],
    /// The names of what is sealed in it; nothing, of most events.
    pub sealed: Option<&'a str>,
    /// Who, why, and in which conversation.
    pub metadata: &'a Metadata,
}

/// Why events cannot become a commit.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A commit holds at least one event.
    #[error("a commit without events")]
    Empty,
    /// The versions of one commit follow one another.
    #[error("version {found} where {wanted} must follow")]
    Gap {
        /// The version that must come.
        wanted: Version,
        /// The version found.
        found: Version,
    },
    /// RFC 3339 ends with the year 9999.
    #[error("the time of version {version} has no RFC 3339 form")]
    Time {
        /// The event.
        version: Version,
    },
    /// The payload is not JSON.
    #[error("the data of version {version} is not JSON: {source}")]
    Data {
        /// The event.
        version: Version,
        /// Where it is not.
        source: serde_json::Error,
    },
    /// An attribute has no JSON form.
    #[error("version {version} has no JSON form: {source}")]
    Json {
        /// The event.
        version: Version,
        /// Why.
        source: serde_json::Error,
    },
}

/// Encodes one commit. Its events may belong to different commands: metadata is per event.
///
/// # Errors
/// [`EncodeError`], if the events are not a commit that can be read back.
pub fn encode<'a>(
    key: &StreamKey,
    events: impl IntoIterator<Item = (&'a NewEvent, &'a Metadata)>,
) -> Result<Bytes, EncodeError> {
    let drafts = events.into_iter().map(|(event, metadata)| Draft {
        id: event.id,
        kind: event.kind.name,
        schema_version: event.kind.version,
        version: event.version,
        time: event.time,
        data: &event.data,
        sealed: None,
        metadata,
    });
    encode_drafts(key, drafts)
}

/// [`encode`] for events whose names are not known when the program is compiled.
///
/// # Errors
/// [`EncodeError`], if the events are not a commit that can be read back.
pub fn encode_drafts<'a>(
    key: &StreamKey,
    drafts: impl IntoIterator<Item = Draft<'a>>,
) -> Result<Bytes, EncodeError> {
    let drafts = drafts.into_iter();
    let mut commit = Encoder::for_events(drafts.size_hint().0);
    for draft in drafts {
        commit.push(key, &draft)?;
    }
    commit.finish()
}

/// A commit that grows event by event, for a writer that must know its size on the way.
#[derive(Debug, Default)]
pub struct Encoder {
    body: Vec<u8>,
    last: Option<Version>,
}

/// Where an [`Encoder`] stood.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    bytes: usize,
    last: Option<Version>,
}

impl Encoder {
    /// An empty commit with room for `count` events of the usual size.
    #[must_use]
    pub fn for_events(count: usize) -> Self {
        Self { body: Vec::with_capacity(count.max(1) * EVENT_BYTES_TYPICAL), last: None }
    }

    /// Adds an event. After an error only [`Self::back`] makes it whole again.
    ///
    /// # Errors
    /// [`EncodeError`], if the commit with this event could not be read back.
    pub fn push(&mut self, key: &StreamKey, draft: &Draft<'_>) -> Result<(), EncodeError> {
        let version = draft.version;
        let wanted = self.last.map_or(version.max(Version::ZERO.next()), Version::next);
        if version != wanted {
            return Err(EncodeError::Gap { wanted, found: version });
        }
        self.body.push(if self.body.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut self.body, &Line::new(key, draft)?)
            .map_err(|source| EncodeError::Json { version, source })?;
        self.last = Some(version);
        Ok(())
    }

    /// The size of the commit if it were finished now.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.body.len() + 1
    }

    /// Whether it has no event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Where it stands, for [`Self::back`].
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark { bytes: self.body.len(), last: self.last }
    }

    /// Drops every event that was added since `mark` was taken.
    pub fn back(&mut self, mark: Mark) {
        self.body.truncate(mark.bytes);
        self.last = mark.last;
    }

    /// The commit, copied into as many bytes as it has. The encoder is empty afterwards and keeps
    /// its buffer for the next commit.
    ///
    /// # Errors
    /// [`EncodeError::Empty`].
    pub fn take(&mut self) -> Result<Bytes, EncodeError> {
        if self.body.is_empty() {
            return Err(EncodeError::Empty);
        }
        self.body.push(b']');
        let commit = Bytes::copy_from_slice(&self.body);
        self.clear();
        Ok(commit)
    }

    /// Drops every event.
    pub fn clear(&mut self) {
        self.body.clear();
        self.last = None;
    }

    /// The commit.
    ///
    /// # Errors
    /// [`EncodeError::Empty`].
    pub fn finish(mut self) -> Result<Bytes, EncodeError> {
        if self.body.is_empty() {
            return Err(EncodeError::Empty);
        }
        self.body.push(b']');
        Ok(self.body.into())
    }
}
