//! A store that answers appends as it is told to, and counts what it is asked.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use infrastructure::{
    memory::MemoryStore,
    store::{AppendError, Page, ReadError, Start, Store, StreamKey},
};
use kit::Position;

#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    log: Arc<Mutex<MemoryStore>>,
    /// What the next appends are answered, without being tried; none: tried.
    script: Arc<Mutex<VecDeque<Option<AppendError>>>>,
    reads: Arc<AtomicUsize>,
    lasts: Arc<AtomicUsize>,
    /// How long each page takes.
    pace: Arc<Mutex<Duration>>,
    /// How far the replica that answers reads has come, if it is behind.
    behind: Arc<Mutex<Option<Position>>>,
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

    pub(crate) fn take_for_each_page(&self, pace: Duration) {
        *self.pace.lock().unwrap() = pace;
    }

    /// Reads come from a replica that has come no farther, unless they must.
    pub(crate) fn stay_behind(&self, at: Position) {
        *self.behind.lock().unwrap() = Some(at);
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

    async fn page(&self, key: &StreamKey, start: Start, goal: Position) -> Result<Page, ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let _open = self.gate.read().await;
        let pace = *self.pace.lock().unwrap();
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        let mut page = self.log().page(key, start, goal).await?;
        let behind = *self.behind.lock().unwrap();
        if let Some(behind) = behind.filter(|behind| goal <= *behind) {
            page.commits.retain(|commit| commit.position <= behind);
            page.more &= !page.commits.is_empty();
        }
        Ok(page)
    }

    async fn last(&self, key: &StreamKey) -> Result<Position, ReadError> {
        self.lasts.fetch_add(1, Ordering::Relaxed);
        self.log().last(key).await
    }
}
