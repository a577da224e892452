//! Commits as they come, up to as many as one transaction takes.
//! Not here: reading them.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use kit::Position;

use crate::{handler::Item, readmodel::reading::ReadAhead};

/// Bytes of commits that one transaction takes: many small ones, or a few of the largest.
const BYTES_MAX: usize = 32 * nats::limits::COMMIT_BYTES_MAX;

/// Commits that have come and are not in the rows.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) commits: VecDeque<ReadAhead>,
    bytes: usize,
    /// Nothing else comes up to here.
    pub(super) to: Position,
    pub(super) pending: u64,
    /// When the first and the last commit were stored.
    pub(super) stored: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Taken {
    pub(super) fn take(&mut self, item: Item<ReadAhead>) {
        match item {
            Item::Nothing(position) => (self.to, self.pending) = (position, 0),
            Item::Commit(commit) => {
                let delivery = &commit.delivery;
                (self.to, self.pending) = (delivery.position, delivery.pending);
                let first = self.stored.map_or(delivery.time, |(first, _)| first);
                self.stored = Some((first, delivery.time));
                self.bytes += delivery.body.len();
                self.commits.push_back(commit);
            }
        }
    }

    /// Whether more must wait, of which there may be `most`.
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.commits.len() >= most || self.bytes >= BYTES_MAX
    }
}
