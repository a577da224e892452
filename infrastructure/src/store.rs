//! The contract of an event store: append at an expected position, read one aggregate in order.
//! Not here: what is in a commit.

mod pages;

use std::{fmt, future::Future, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::{AggregateId, Position};

pub use pages::Pages;

/// One aggregate's address in the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    /// The aggregate type.
    pub aggregate: Arc<str>,
    /// Which one.
    pub id: AggregateId,
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.aggregate, self.id)
    }
}

/// One stored commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Where it stands.
    pub position: Position,
    /// When the store took it.
    pub time: DateTime<Utc>,
    /// The JSON array of CloudEvents.
    pub body: Bytes,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Behind this position.
    After(Position),
    /// With the first commit that was not stored before this time.
    Since(DateTime<Utc>),
}

impl Start {
    /// The beginning of the history.
    pub const WHOLE: Self = Self::After(Position::ZERO);
}

/// A stretch of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its commits, in order: at most [`READ_BATCH_MAX`](nats::limits::READ_BATCH_MAX).
    pub commits: Vec<Commit>,
    /// Whether more commits stand behind them. Never behind an empty page.
    pub more: bool,
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Any replica, possibly behind: fine before an append, which the expectation guards.
    Any,
    /// Everything that was acknowledged before the read began.
    Leader,
}

/// Why an append did not end in a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another commit stands where this one was to follow. Nothing of this one was written.
    #[error("another commit stands after the expected position")]
    Conflict,
    /// Nobody can say yet: no acknowledgement came. It may land until another takes its place.
    #[error("no acknowledgement: {0}")]
    Unknown(String),
    /// The commit is larger than the limit. Nothing was written.
    #[error("the commit has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The store refused for another reason, such as a full disk. Nothing was written.
    #[error("the store refused: {0}")]
    Refused(String),
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store is away; the same read may succeed later.
    #[error("the store is away: {0}")]
    Unavailable(String),
}

/// A log of commits with optimistic concurrency per aggregate.
pub trait Store: Clone + Send + Sync + 'static {
    /// Appends `body` if `key`'s last commit stands at `expected` (zero: there is none).
    fn append(
        &self,
        key: &StreamKey,
        expected: Position,
        body: Bytes,
    ) -> impl Future<Output = Result<Position, AppendError>> + Send + use<Self>;

    /// The next commits of `key` from `start` on, in order, as many as one answer holds.
    ///
    /// The history is known to reach to `goal`, if that is not zero: a replica that is not there
    /// yet has not answered, and while `goal` is still ahead the page has commits, or fails.
    fn page(
        &self,
        key: &StreamKey,
        start: Start,
        goal: Position,
    ) -> impl Future<Output = Result<Page, ReadError>> + Send;

    /// Where the last commit of `key` stands, as the leader knows it; zero if there is none.
    fn last(&self, key: &StreamKey) -> impl Future<Output = Result<Position, ReadError>> + Send;
}
