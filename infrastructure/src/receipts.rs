//! The receipt book of one aggregate: which commands its latest commits carried out, and how far
//! back the book reaches. Not here: searching the log for what the book has forgotten.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use kit::{EventId, Position, Version};
use serde::{Deserialize, Serialize};

mod horizon;
mod identity;
mod saved;

pub use horizon::SKEW_MAX;
pub use identity::{CommandHash, CommandKey, Fingerprint, Origin};
pub use saved::SavedReceipts;

/// Receipts that are always kept: a client's repeat mostly comes within a few commands.
pub const RECEIPTS_MIN: usize = 256;
/// Receipts kept at most: about 10 MB of one very hot aggregate.
pub const RECEIPTS_MAX: usize = 65_536;
/// How long a receipt is kept: longer than clients wait before they repeat.
pub const RECEIPTS_KEPT: TimeDelta = TimeDelta::minutes(2);

/// That one command was carried out, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Whose.
    pub key: CommandKey,
    /// What was asked.
    pub fingerprint: Fingerprint,
    /// The aggregate's version after it.
    pub version: Version,
    /// The commit.
    pub position: Position,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// Its events' ids and names; their versions end with [`Self::version`].
    pub events: Box<[(EventId, &'static str)]>,
}

/// The newest receipt that a book has forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Its commit.
    pub position: Position,
    /// When it was decided.
    pub time: DateTime<Utc>,
}

/// The latest receipts of one aggregate, oldest first. The last ones may be pending: decided, and
/// not yet acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipts {
    ring: VecDeque<Receipt>,
    numbers: HashMap<CommandKey, u64>,
    first: u64,
    pending: usize,
    /// In all receipts.
    events: usize,
    forgotten: Option<Forgotten>,
}

impl Receipts {
    /// A book whose past before `forgotten` is not in it.
    #[must_use]
    pub fn since(forgotten: Option<Forgotten>) -> Self {
        Self { forgotten, ..Self::default() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// The bytes that they hold, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Half of an index is empty.
        let each = size_of::<Receipt>() + 2 * size_of::<(CommandKey, u64)>();
        self.ring.len() * each + self.events * size_of::<(EventId, &'static str)>()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Receipt> + ExactSizeIterator {
        self.ring.iter()
    }

    /// The newest receipt that is not here; none if the book covers the whole history.
    #[must_use]
    pub const fn forgotten(&self) -> Option<Forgotten> {
        self.forgotten
    }

    /// The number of `key`'s receipt, for [`Self::get`].
    #[must_use]
    pub fn find(&self, key: CommandKey) -> Option<u64> {
        self.numbers.get(&key).copied()
    }

    /// A receipt by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Receipt> {
        self.ring.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Whether the receipt with this number awaits its acknowledgement.
    #[must_use]
    pub fn is_pending(&self, number: u64) -> bool {
        number >= self.first + (self.ring.len() - self.pending) as u64
    }

    /// Adds a receipt that was read from the log or from a snapshot. Nothing may be pending.
    pub fn record(&mut self, receipt: Receipt) {
        debug_assert_eq!(self.pending, 0, "what is pending is settled before the log is read");
        self.push(receipt);
    }

    /// Adds a receipt that awaits its acknowledgement, and numbers it.
    pub fn expect(&mut self, receipt: Receipt) -> u64 {
        self.pending += 1;
        self.push(receipt)
    }

    fn push(&mut self, mut receipt: Receipt) -> u64 {
        let number = self.first + self.ring.len() as u64;
        // Forgetting by age needs times that do not go back.
        let last = self.ring.back().map(|last| last.time).or(self.forgotten.map(|last| last.time));
        receipt.time = last.map_or(receipt.time, |last| receipt.time.max(last));
        self.numbers.entry(receipt.key).or_insert(number);
        self.events += receipt.events.len();
        self.ring.push_back(receipt);
        number
    }

    /// Everything pending is in the log at `position`.
    pub fn confirm(&mut self, position: Position) {
        let settled = self.ring.len() - self.pending;
        self.ring.range_mut(settled..).for_each(|receipt| receipt.position = position);
        self.pending = 0;
    }

    /// Nothing pending came to be.
    pub fn take_back(&mut self) {
        for _ in 0..self.pending {
            let number = self.first + self.ring.len() as u64 - 1;
            if let Some(receipt) = self.ring.pop_back() {
                self.events -= receipt.events.len();
                self.unlink(receipt.key, number);
            }
        }
        self.pending = 0;
    }

    /// Forgets what is older than the rules keep.
    pub fn forget(&mut self, now: DateTime<Utc>) {
        let before = now - RECEIPTS_KEPT;
        let old = |receipt: &Receipt| receipt.time < before;
        while self.ring.len() - self.pending > RECEIPTS_MIN
            && (self.ring.len() > RECEIPTS_MAX || self.ring.front().is_some_and(old))
        {
            self.forget_oldest();
        }
        if self.ring.capacity() > 4 * self.ring.len().max(RECEIPTS_MIN) {
            self.ring.shrink_to(2 * self.ring.len());
            self.numbers.shrink_to(2 * self.numbers.len());
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(receipt) = self.ring.pop_front() {
            self.events -= receipt.events.len();
            self.unlink(receipt.key, self.first);
            self.first += 1;
            self.forgotten = Some(Forgotten { position: receipt.position, time: receipt.time });
        }
    }

    fn unlink(&mut self, key: CommandKey, number: u64) {
        if self.numbers.get(&key) == Some(&number) {
            self.numbers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
