//! Commits as they come, up to as many as one transaction takes.
//! Not here: reading them.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use kit::Position;

use crate::handler::{Delivery, Item};

/// Commits that have come and are not in the rows.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) deliveries: VecDeque<Delivery>,
    /// Nothing else comes up to here.
    pub(super) to: Position,
    pub(super) pending: u64,
    /// When the first and the last commit were stored.
    pub(super) stored: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Taken {
    pub(super) fn take(&mut self, item: Item) {
        match item {
            Item::Nothing(position) => (self.to, self.pending) = (position, 0),
            Item::Commit(delivery) => {
                (self.to, self.pending) = (delivery.position, delivery.pending);
                let first = self.stored.map_or(delivery.time, |(first, _)| first);
                self.stored = Some((first, delivery.time));
                self.deliveries.push_back(delivery);
            }
        }
    }
}
