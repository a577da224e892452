//! What the engine asks for and what it is told: the seam between deciding and waiting.
//! Not here: doing it.

use bytes::Bytes;
use kit::Position;

use super::{
    load::{Load, Loaded},
    search::Search,
};
use crate::{
    problem::Problem,
    snapshot::Snapshot,
    store::{AppendError, StreamKey},
};

/// Something to be done outside the engine; each ends in one [`Done`] for the same slot.
pub(super) enum Work {
    Append(Append),
    /// Find out what became of an append.
    Settle(Append),
    Load(Load),
    Search {
        slot: usize,
        key: StreamKey,
        search: Search,
    },
    /// Ask where the log of the aggregate ends.
    Last {
        slot: usize,
        key: StreamKey,
    },
    /// Keep a snapshot. Of no slot's concern.
    Save {
        key: StreamKey,
        snapshot: Snapshot,
    },
}

/// A commit and its place.
pub(super) struct Append {
    pub(super) slot: usize,
    pub(super) key: StreamKey,
    pub(super) expected: Position,
    pub(super) body: Bytes,
}

/// How work ended.
pub(super) enum Done {
    Appended {
        slot: usize,
        result: Result<Position, AppendError>,
    },
    Settled {
        slot: usize,
        result: Result<Position, AppendError>,
    },
    Loaded {
        slot: usize,
        result: Result<Loaded, Problem>,
    },
    Searched {
        slot: usize,
        search: Search,
        result: Result<(), Problem>,
    },
    Last {
        slot: usize,
        result: Result<Position, Problem>,
    },
    /// A snapshot is on its way no longer.
    Saved,
}
