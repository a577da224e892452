//! What the log says to a guest: the state of one aggregate at any version or time, its events page by
//! page or as they are stored, and what comes as it comes.
//!
//! A guest asks the log itself, not the service, and leaves no trace. Not here: deciding; what a
//! guest has read may be old by the time that it is used.

mod live;
mod owner;
mod state;
mod stored;
mod typed;

use std::sync::Arc;

use async_nats::Client as Connection;
use kit::{AggregateId, Position, Version, excerpt};

use crate::{
    aggregates::{Aggregates, Catalogue, Entry},
    envelope,
    jetstream::{JetStreamOptions, JetStreamStore},
    problem::Problem,
    sealing::Keys,
    store::{Page, ReadError, Start, Store as _, StreamKey},
};

pub use live::{Filter, Live, LiveCommit};
pub use owner::{Owner, Owners};
pub use state::{At, Past};
pub use stored::{StoredCommit, StoredHistory};

/// The log as a guest reads it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Histories {
    connection: Connection,
    store: JetStreamStore,
    aggregates: Arc<Aggregates>,
    owners: Arc<Owners>,
    keys: Option<Keys>,
}

impl Histories {
    /// The log behind `connection`, of which `aggregates` are understood.
    ///
    /// # Errors
    /// `unavailable` if the connection is closed.
    pub async fn open(connection: Connection, aggregates: Aggregates) -> Result<Self, Problem> {
        let (appends, reads) = (connection.clone(), connection.clone());
        let store = JetStreamStore::new(appends, reads, JetStreamOptions::default()).await;
        let store = store.map_err(|error| Problem::unavailable(error.to_string()))?;
        let (aggregates, owners) = (Arc::new(aggregates), Arc::default());
        Ok(Self { connection, store, aggregates, owners, keys: None })
    }

    /// The same, with what is sealed in events opened by `keys`. Without them it is shown as it is
    /// stored, and adds up to no state.
    #[must_use]
    pub fn opening(mut self, keys: Keys) -> Self {
        self.store = self.store.opening(Some(keys.clone()));
        self.keys = Some(keys);
        self
    }

    /// What each aggregate type offers.
    #[must_use]
    pub fn catalogue(&self) -> Vec<Catalogue> {
        self.aggregates.catalogue()
    }

    /// Whether a command could be read by whoever is to carry it out: for commands whose caller does
    /// not wait to be told.
    ///
    /// # Errors
    /// `unknown-aggregate`, `unknown-command` or `invalid`.
    pub fn check(&self, aggregate: &str, name: &str, body: &[u8]) -> Result<(), Problem> {
        self.entry(aggregate)?.kind.read(name, body).map(|_| ())
    }

    /// The aggregate's version now, zero if it has no history.
    ///
    /// # Errors
    /// `unknown-aggregate`, `corrupt`, or `unavailable` if the log does not answer.
    pub async fn version(&self, aggregate: &str, id: &AggregateId) -> Result<Version, Problem> {
        let key = self.key(aggregate, id)?;
        let last = self.store.last(&key).await.map_err(away)?;
        if last == Position::ZERO {
            return Ok(Version::ZERO);
        }
        let start = Start::After(Position(last.0 - 1));
        let page = self.store.page(&key, start, last).await.map_err(away)?;
        let Some(commit) = page.commits.last() else { return Ok(Version::ZERO) };
        let elements = envelope::decode(&commit.body)
            .map_err(|error| Problem::corrupt(format!("position {}: {error}", commit.position)))?;
        Ok(elements.last().map_or(Version::ZERO, |element| element.version))
    }

    /// Whose the aggregate is.
    ///
    /// # Errors
    /// `unknown-aggregate`, `corrupt`, or `unavailable` if the log does not answer.
    pub async fn owner(&self, aggregate: &str, id: &AggregateId) -> Result<Owner, Problem> {
        self.owners.of(&self.store, &self.key(aggregate, id)?).await
    }

    /// The next commits of one aggregate behind `after`, as many as one answer holds.
    ///
    /// # Errors
    /// `unknown-aggregate`, `not-found` if it has no history, or `unavailable`.
    pub async fn page(
        &self,
        aggregate: &str,
        id: &AggregateId,
        after: Position,
    ) -> Result<Page, Problem> {
        let key = self.key(aggregate, id)?;
        let last = self.store.last(&key).await.map_err(away)?;
        if last == Position::ZERO {
            return Err(absent(&key));
        }
        if last <= after {
            return Ok(Page { commits: Vec::new(), more: false });
        }
        self.store.page(&key, Start::After(after), last).await.map_err(away)
    }

    fn entry(&self, aggregate: &str) -> Result<&Entry, Problem> {
        self.aggregates.get(aggregate).ok_or_else(|| {
            let known: Vec<_> = self.catalogue().iter().map(|it| it.aggregate).collect();
            let (wanted, known) = (excerpt(aggregate), known.join(", "));
            Problem::unknown_aggregate(format!("{wanted:?} is none of {known}"))
        })
    }

    fn key(&self, aggregate: &str, id: &AggregateId) -> Result<StreamKey, Problem> {
        Ok(StreamKey { aggregate: Arc::clone(&self.entry(aggregate)?.name), id: id.clone() })
    }
}

fn away(error: ReadError) -> Problem {
    let ReadError::Unavailable(why) = error;
    Problem::unavailable(format!("the event log does not answer: {why}"))
}

fn absent(key: &StreamKey) -> Problem {
    Problem::not_found(format!("{} {} has no history", key.aggregate, key.id))
}
