//! An event store in memory, for tests and trials. It conflicts as the real one does, and can be
//! told to misbehave as a network would.
//! Not here: anything that outlives the process.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use chrono::Utc;
use kit::Position;
use nats::limits::{COMMIT_BYTES_MAX, READ_BATCH_MAX, READ_BYTES_MAX};
use tokio::sync::oneshot;

use crate::store::{AppendError, Commit, Page, ReadError, Start, Store, StreamKey};

/// What happens to one append on its way.
#[derive(Debug)]
pub enum Fault {
    /// It is written, and the acknowledgement is lost: the answer is `Unknown`.
    AckLost,
    /// It is lost before the store sees it: the answer is `Unknown`.
    RequestLost,
    /// It is under way until [`MemoryStore::land`]: the answer is `Unknown`.
    UnderWay,
    /// It is tried, and answered, when the sender is used or dropped.
    Held(oneshot::Receiver<()>),
}

/// A log in memory with one position sequence across all aggregates, as a stream has.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    commits: Vec<Commit>,
    places: HashMap<StreamKey, Vec<usize>>,
    faults: VecDeque<Fault>,
    under_way: Vec<(StreamKey, Position, Bytes)>,
    reads_away: usize,
}

impl MemoryStore {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next append without a fault yet gets this one.
    pub fn fault(&self, fault: Fault) {
        self.log().faults.push_back(fault);
    }

    /// The next `count` reads answer that the store is away.
    pub fn away(&self, count: usize) {
        self.log().reads_away = count;
    }

    /// Lets every append that is [`Fault::UnderWay`] arrive: it lands if its place is still free.
    pub fn land(&self) {
        let mut log = self.log();
        for (key, expected, body) in std::mem::take(&mut log.under_way) {
            // Whoever sent it has long had the answer that nobody knows.
            let _ = log.append(key, expected, body);
        }
    }

    /// Every commit of every aggregate, in order.
    #[must_use]
    pub fn commits(&self) -> Vec<Commit> {
        self.log().commits.clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Every change of the log is complete before the lock goes, so poison says nothing about it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn append(
        &mut self,
        key: StreamKey,
        expected: Position,
        body: Bytes,
    ) -> Result<Position, AppendError> {
        if self.last(&key) != expected {
            return Err(AppendError::Conflict);
        }
        let place = self.commits.len();
        let position = self.commits.last().map_or(Position::ZERO, |commit| commit.position).next();
        self.commits.push(Commit { position, time: Utc::now(), body });
        self.places.entry(key).or_default().push(place);
        Ok(position)
    }

    fn of<'a>(&'a self, key: &StreamKey) -> impl Iterator<Item = &'a Commit> {
        let places = self.places.get(key).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.commits.get(*place))
    }

    fn last(&self, key: &StreamKey) -> Position {
        self.of(key).last().map_or(Position::ZERO, |commit| commit.position)
    }

    fn present(&mut self) -> Result<(), ReadError> {
        if self.reads_away == 0 {
            return Ok(());
        }
        self.reads_away -= 1;
        Err(ReadError::Unavailable("told to be away".to_owned()))
    }
}

impl Store for MemoryStore {
    /// Takes place when the future is first polled.
    fn append(
        &self,
        key: &StreamKey,
        expected: Position,
        body: Bytes,
    ) -> impl Future<Output = Result<Position, AppendError>> + Send + use<> {
        let (store, key) = (self.clone(), key.clone());
        async move {
            let bytes = body.len();
            if bytes > COMMIT_BYTES_MAX {
                return Err(AppendError::TooLarge { bytes, limit: COMMIT_BYTES_MAX });
            }
            let fault = store.log().faults.pop_front();
            match fault {
                None => return store.log().append(key, expected, body),
                Some(Fault::Held(released)) => {
                    // A dropped sender releases it too.
                    let _ = released.await;
                    return store.log().append(key, expected, body);
                }
                // Whatever became of it, the answer does not come back.
                Some(Fault::AckLost) => drop(store.log().append(key, expected, body)),
                Some(Fault::RequestLost) => {}
                Some(Fault::UnderWay) => store.log().under_way.push((key, expected, body)),
            }
            Err(AppendError::Unknown("told to lose the answer".to_owned()))
        }
    }

    async fn page(
        &self,
        key: &StreamKey,
        start: Start,
        _goal: Position,
    ) -> Result<Page, ReadError> {
        let mut log = self.log();
        log.present()?;
        let within = |commit: &&Commit| match start {
            Start::After(position) => commit.position > position,
            Start::Since(time) => commit.time >= time,
        };
        let mut stretch = log.of(key).filter(within).peekable();
        let (mut commits, mut bytes) = (Vec::new(), 0);
        while commits.len() < READ_BATCH_MAX && bytes < READ_BYTES_MAX {
            let Some(commit) = stretch.next() else { break };
            bytes += commit.body.len();
            commits.push(commit.clone());
        }
        Ok(Page { commits, more: stretch.peek().is_some() })
    }

    async fn last(&self, key: &StreamKey) -> Result<Position, ReadError> {
        let mut log = self.log();
        log.present()?;
        Ok(log.last(key))
    }
}
