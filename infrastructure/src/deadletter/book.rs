//! The dead letters of one handler in the hands of one epoch.
//! Not here: handling events; whoever does asks what stands still and writes what came of it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use kit::Position;
use nats::Subject;
use tokio::{sync::Notify, time};

use super::{
    ledger::{Change, Facts, Head, Ledger, Standing},
    queue::{AppendError, Queue, QueueAway, Stored},
    record::{Cursor, Owned, Record, Released},
};
use crate::handler::{Backoff, Delivery, Feed, Item};

/// Waits between attempts to write, for as long as it takes.
const RETRY_DELAY: Duration = Duration::from_millis(20);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);

/// Why the book is not ours, or not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BookError {
    /// A later owner has begun.
    #[error("a later owner writes the dead letters")]
    Fenced,
    /// A record has no JSON form.
    #[error("a record has no JSON form: {0}")]
    Unwritable(String),
    /// The queue does not answer.
    #[error("the queue of dead letters is away: {0}")]
    Away(String),
}

/// What one message that came in asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Nothing.
    Nothing,
    /// To do what is due about this key.
    Due(String),
    /// To answer what a former owner wrote about this key.
    Stale(String),
    /// To stop: a later epoch has begun.
    Fenced,
}

/// The dead letters of one handler, as its owner knows and writes them.
#[derive(Debug)]
pub(crate) struct Book {
    queue: Queue,
    handler: String,
    epoch: u64,
    ledger: Mutex<Ledger>,
    /// Keys that are about to be parked.
    rooms: AtomicUsize,
    /// Told whenever a key is parked or released.
    pub(crate) changed: Notify,
}

/// The right to park one more key, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room<'a>(Option<&'a Book>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(book) = self.0 {
            book.rooms.fetch_sub(1, Ordering::Relaxed);
            book.changed.notify_waiters();
        }
    }
}

impl Book {
    /// Begins `epoch` and reads everything that was written before it. The feed brings what comes
    /// afterwards. The checkpoint must be ours before: what a former owner parks behind our mark
    /// does not count, so it must not move the checkpoint past it.
    pub(crate) async fn open(
        queue: Queue,
        handler: &str,
        epoch: u64,
        instance: &str,
    ) -> Result<(Self, Feed), BookError> {
        let owners = Subject::DeadLetterOwners { handler: handler.to_owned() };
        let owned = Record::Owned(Owned { epoch, instance: instance.to_owned(), time: Utc::now() });
        let mark = queue.append(owners.to_string(), encoded(&owned)?, None).await;
        let mark = mark.map_err(|error| BookError::Away(error.to_string()))?;
        let name = format!("deadletters-{handler}-{epoch}");
        let mut feed = queue.feed(Queue::subjects_of(handler), name);
        let ledger = Mutex::new(Ledger::default());
        let book = Self {
            queue,
            handler: handler.to_owned(),
            epoch,
            ledger,
            rooms: AtomicUsize::new(0),
            changed: Notify::new(),
        };
        loop {
            let item = feed.next().await;
            let item = item.ok_or_else(|| BookError::Away("the feed has ended".to_owned()))?;
            let reached = match &item {
                Item::Commit(delivery) => delivery.position,
                Item::Nothing(position) => *position,
            };
            if book.follow(&item) == Followed::Fenced {
                return Err(BookError::Fenced);
            }
            if reached.0 >= mark {
                return Ok((book, feed));
            }
        }
    }

    /// Takes in what the feed brought.
    pub(crate) fn follow(&self, item: &Item) -> Followed {
        let mut ledger = self.ledger();
        let (sequence, followed) = match item {
            Item::Nothing(position) => (position.0, Followed::Nothing),
            Item::Commit(delivery) => (delivery.position.0, self.take(&mut ledger, delivery)),
        };
        ledger.followed(sequence);
        if let Item::Commit(delivery) = item
            && let Some(key) = key_of(&delivery.subject)
        {
            ledger.tidy(&key);
        }
        drop(ledger);
        self.changed.notify_waiters();
        followed
    }

    fn take(&self, ledger: &mut Ledger, delivery: &Delivery) -> Followed {
        let record = match Record::decode(&delivery.body) {
            Ok(record) => record,
            Err(error) => {
                let (at, handler) = (delivery.position, &self.handler);
                tracing::warn!(handler, %at, "a dead letter's record is passed over: {error}");
                if let Some(key) = key_of(&delivery.subject) {
                    ledger.pass(&key, delivery.position.0);
                }
                return Followed::Nothing;
            }
        };
        if let Record::Owned(owned) = &record {
            ledger.begun(owned.epoch);
            let later = owned.epoch > self.epoch;
            return if later { Followed::Fenced } else { Followed::Nothing };
        }
        let Some(key) = key_of(&delivery.subject) else { return Followed::Nothing };
        match ledger.apply(&key, delivery.position.0, &record) {
            Change::Noted => Followed::Nothing,
            Change::Due => Followed::Due(key),
            Change::Stale => Followed::Stale(key),
        }
    }

    /// The epoch in which the book is ours.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many keys stand still.
    pub(crate) fn parked(&self) -> usize {
        self.ledger().parked()
    }

    /// Room for `key` among at most `most` keys; one that stands still already needs no more.
    pub(crate) fn room(&self, key: &str, most: usize) -> Option<Room<'_>> {
        let ledger = self.ledger();
        if ledger.head(key).is_some() {
            return Some(Room(None));
        }
        // Counted under the lock of the ledger, so that two never take the last one.
        if ledger.parked() + self.rooms.load(Ordering::Relaxed) >= most {
            return None;
        }
        self.rooms.fetch_add(1, Ordering::Relaxed);
        drop(ledger);
        Some(Room(Some(self)))
    }

    /// Where `key` stands still, if it does.
    pub(crate) fn at(&self, key: &str) -> Option<Cursor> {
        self.ledger().head(key).map(|head| head.at)
    }

    pub(crate) fn head(&self, key: &str) -> Option<Head> {
        self.ledger().head(key).cloned()
    }

    /// What was decided about events of `key`.
    pub(crate) fn facts(&self, key: &str) -> Option<Arc<Facts>> {
        self.ledger().get(key).and_then(|entry| entry.facts.clone())
    }

    /// Every key that stands still.
    pub(crate) fn heads(&self) -> Vec<(String, Head)> {
        let ledger = self.ledger();
        ledger.keys().filter_map(|(key, it)| Some((key.clone(), it.head.clone()?))).collect()
    }

    /// Keys whose last record a former owner wrote too late.
    pub(crate) fn stale(&self) -> Vec<String> {
        let ledger = self.ledger();
        ledger.keys().filter(|(_, entry)| entry.stale).map(|(key, _)| key.clone()).collect()
    }

    /// Appends `record` to `key`, after whatever has come by then. Not safe to repeat after it was
    /// dropped half-way; the ledger of the next epoch tells what became of it.
    pub(crate) async fn append(&self, key: &str, record: Record) -> Result<(), BookError> {
        let body = encoded(&record)?;
        let subject = self.subject_of(key)?;
        let mut expected = self.ledger().get(key).map_or(0, |entry| entry.last);
        let mut retry = Backoff::new(RETRY_DELAY, RETRY_DELAY_MAX);
        loop {
            match self.queue.append(subject.clone(), body.clone(), Some(expected)).await {
                Ok(sequence) => {
                    self.ledger().apply(key, sequence, &record);
                    self.changed.notify_waiters();
                    return Ok(());
                }
                Err(AppendError::Conflict) => {}
                Err(AppendError::Away(why)) => {
                    tracing::warn!(handler = self.handler, "a dead letter's record waits: {why}");
                    time::sleep(retry.next()).await;
                }
            }
            let tail = match self.queue.tail(&subject, expected).await {
                Ok(tail) => tail,
                Err(QueueAway(why)) => {
                    tracing::warn!(handler = self.handler, "dead letters cannot be read: {why}");
                    time::sleep(retry.next()).await;
                    continue;
                }
            };
            if self.catch_up(key, &tail, &body)? {
                return Ok(());
            }
            expected = tail.last().map_or(expected, |last| last.sequence);
        }
    }

    /// Takes in what others wrote; true if our own bytes are among it.
    fn catch_up(&self, key: &str, tail: &[Stored], ours: &[u8]) -> Result<bool, BookError> {
        let (mut ledger, mut landed) = (self.ledger(), false);
        for stored in tail {
            let Ok(record) = Record::decode(&stored.body) else {
                ledger.pass(key, stored.sequence);
                continue;
            };
            if record.epoch().is_some_and(|epoch| epoch > self.epoch) {
                return Err(BookError::Fenced);
            }
            ledger.apply(key, stored.sequence, &record);
            landed = landed || *stored.body == *ours;
        }
        drop(ledger);
        self.changed.notify_waiters();
        Ok(landed)
    }

    /// Answers what a former owner wrote too late, so that the subject tells the truth again.
    pub(crate) async fn repair(&self, key: &str) -> Result<(), BookError> {
        let Some(entry) = self.ledger().get(key).filter(|entry| entry.stale).cloned() else {
            return Ok(());
        };
        match entry.head {
            None => self.release(key, Position::ZERO).await,
            // What is due leads to a record of its own.
            Some(head) if head.standing != Standing::Parked => Ok(()),
            Some(head) => {
                let found = self.read(head.record).await;
                match found {
                    Some(Record::Parked(mut parked)) => {
                        parked.epoch = self.epoch;
                        self.append(key, Record::Parked(parked)).await
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    async fn read(&self, sequence: u64) -> Option<Record> {
        let mut retry = Backoff::new(RETRY_DELAY, RETRY_DELAY_MAX);
        loop {
            match self.queue.get(sequence).await {
                Ok(found) => return found,
                Err(QueueAway(why)) => {
                    tracing::warn!(handler = self.handler, "dead letters cannot be read: {why}");
                    time::sleep(retry.next()).await;
                }
            }
        }
    }

    /// Records that nothing of `key` waits any more; everything up to `position` is handled.
    pub(crate) async fn release(&self, key: &str, position: Position) -> Result<(), BookError> {
        let released = Released { position, epoch: self.epoch, time: Utc::now() };
        self.append(key, Record::Released(released)).await
    }

    /// Commits of `key` behind `position`.
    pub(crate) async fn behind(&self, key: &str, position: Position) -> Result<u64, BookError> {
        let behind = self.queue.behind(key, position).await;
        behind.map_err(|QueueAway(why)| BookError::Away(why))
    }

    fn subject_of(&self, key: &str) -> Result<String, BookError> {
        match Subject::parse(key) {
            Some(Subject::Event { aggregate, id }) => {
                let handler = self.handler.clone();
                Ok(Subject::DeadLetter { handler, aggregate, id }.to_string())
            }
            _ => Err(BookError::Unwritable(format!("{key} is not the subject of an aggregate"))),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change under the lock is total, so poison says nothing about the ledger.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event subject of a dead letter's key.
pub(crate) fn key_of(subject: &str) -> Option<String> {
    match Subject::parse(subject)? {
        Subject::DeadLetter { aggregate, id, .. } => Some(Subject::event(&aggregate, &id)),
        _ => None,
    }
}

fn encoded(record: &Record) -> Result<bytes::Bytes, BookError> {
    record.encode().map_err(|error| BookError::Unwritable(error.to_string()))
}
