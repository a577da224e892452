//! A store that answers appends as it is told to, and counts what it is asked.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use infrastructure::{
    memory::MemoryStore,
    store::{AppendError, Commit, Freshness, ReadError, Store, StreamKey},
};
use kit::Position;

#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    log: Arc<Mutex<MemoryStore>>,
    /// What the next appends are answered, without being tried; none: tried.
    script: Arc<Mutex<VecDeque<Option<AppendError>>>>,
    reads: Arc<AtomicUsize>,
    lasts: Arc<AtomicUsize>,
    /// Reads wait for a turn at it.
    gate: Arc<tokio::sync::RwLock<()>>,
}

impl Faulty {
    pub(crate) fn log(&self) -> MemoryStore {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn replace(&self, log: MemoryStore) {
        *self.log.lock().unwrap() = log;
    }

    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Option<AppendError>>) {
        self.script.lock().unwrap().extend(answers);
    }

    /// Holds every read until the guard is dropped.
    pub(crate) fn hold_reads(&self) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).try_write_owned().unwrap()
    }

    pub(crate) fn lasts(&self) -> usize {
        self.lasts.load(Ordering::Relaxed)
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Store for Faulty {
    fn append(
        &self,
        key: &StreamKey,
        expected: Position,
        body: Bytes,
    ) -> impl Future<Output = Result<Position, AppendError>> + Send + use<> {
        let (store, key) = (self.clone(), key.clone());
        async move {
            let told = store.script.lock().unwrap().pop_front().flatten();
            match told {
                Some(error) => Err(error),
                None => store.log().append(&key, expected, body).await,
            }
        }
    }

    async fn read(
        &self,
        key: &StreamKey,
        after: Position,
        freshness: Freshness,
    ) -> Result<Vec<Commit>, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _open = self.gate.read().await;
        self.log().read(key, after, freshness).await
    }

    async fn read_since(
        &self,
        key: &StreamKey,
        since: DateTime<Utc>,
        until: Position,
    ) -> Result<Vec<Commit>, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _open = self.gate.read().await;
        self.log().read_since(key, since, until).await
    }

    async fn last(&self, key: &StreamKey) -> Result<Position, ReadError> {
        self.lasts.fetch_add(1, Ordering::Relaxed);
        self.log().last(key).await
    }
}
