//! How much is still to come: as the feed said, or the log itself while the feed is not read.
//! Not here: what has come and is not done; the lanes know.

use chrono::{DateTime, Utc};
use futures::{FutureExt as _, future::BoxFuture};
use kit::Position;

use super::{
    deliveries::Delivery,
    log::{Lag, Log},
};

/// What a look at the log behind a position has found, if the log answered.
type Found = (Position, Option<Lag>);

/// The commits behind the last one that came.
#[derive(Default)]
pub(crate) struct Backlog {
    pending: u64,
    /// When the last commit that came was stored.
    brought: Option<DateTime<Utc>>,
    looking: Option<BoxFuture<'static, Found>>,
}

impl Backlog {
    /// A commit came, and says how many are behind it.
    pub(crate) fn came(&mut self, delivery: &Delivery) {
        (self.pending, self.brought) = (delivery.pending, Some(delivery.time));
    }

    /// There are no others.
    pub(crate) const fn is_over(&mut self) {
        self.pending = 0;
    }

    /// Begins to count the commits behind `from`, unless that is being done.
    pub(crate) fn look(&mut self, log: &Log, from: Position, name: String) {
        if self.looking.is_none() {
            let log = log.clone();
            self.looking = Some(async move { (from, log.lag(from, name).await.ok()) }.boxed());
        }
    }

    /// Waits for what a look finds; never, if there is none. Safe to cancel.
    pub(crate) async fn found(&mut self) -> Found {
        match &mut self.looking {
            Some(looking) => looking.await,
            None => std::future::pending().await,
        }
    }

    /// Takes in what was found, if nothing came meanwhile.
    pub(crate) fn looked(&mut self, (from, lag): Found, highest: Position) {
        self.looking = None;
        if let Some(lag) = lag.filter(|_| from == highest) {
            self.pending = lag.commits;
        }
    }

    /// How many there are.
    pub(crate) const fn pending(&self) -> u64 {
        self.pending
    }

    /// What has not arrived yet came after what arrived last.
    pub(crate) fn oldest(&self) -> Option<DateTime<Utc>> {
        self.brought.filter(|_| self.pending > 0)
    }
}
