//! The log read up to places that are fixed beforehand, some commits at a time.
//! Not here: what is done with them.

use std::{collections::VecDeque, sync::Arc};

use kit::Position;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    handler::{Delivery, Feed, Item, Log},
    problem::Problem,
};

/// Commits handed over at a time; each hand is one transaction.
const HAND: usize = 500;

/// Some commits, and the place up to which there are no others.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) commits: VecDeque<Delivery>,
    pub(crate) to: Position,
}

/// One way through the log, under a consumer of its own. Dropping it ends it.
pub(crate) struct Passage {
    feed: Feed,
    /// Beyond the end that was asked for last.
    held: Option<Delivery>,
    /// Nothing else comes up to here.
    reached: Position,
}

impl Passage {
    /// Begins after `from`, for the purpose `what`.
    pub(crate) fn start(log: Log, what: &str, from: Position) -> Self {
        let name = format!("{what}-{}", Uuid::now_v7().simple());
        Self::of(Feed::start(log, name, from, Arc::new(Notify::new())), from)
    }

    /// The way of `feed`, which begins after `from`.
    pub(crate) const fn of(feed: Feed, from: Position) -> Self {
        Self { feed, held: None, reached: from }
    }

    /// What comes next, up to `to`; the last hand ends there.
    pub(crate) async fn next(&mut self, to: Position) -> Result<Hand, Problem> {
        let mut commits = VecDeque::new();
        while self.reached < to && commits.len() < HAND {
            let item = match self.held.take() {
                Some(held) => Item::Commit(held),
                None => self.feed.next().await.ok_or_else(|| {
                    Problem::unavailable("the event log does not answer: its feed has ended")
                })?,
            };
            match item {
                Item::Nothing(position) => self.reached = position,
                Item::Commit(delivery) if delivery.position > to => {
                    self.held = Some(delivery);
                    self.reached = to;
                }
                Item::Commit(delivery) => {
                    self.reached = delivery.position;
                    if delivery.pending == 0 {
                        // Behind it stands nothing, or what is not read here.
                        self.feed.look();
                    }
                    commits.push_back(delivery);
                }
            }
        }
        Ok(Hand { commits, to: self.reached.min(to) })
    }
}
