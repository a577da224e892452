//! The dead letters of one handler in the hands of one epoch.
//! Not here: handling events; whoever does asks what stands still and writes what came of it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use chrono::Utc;
use kit::Position;
use nats::Subject;
use tokio::sync::watch;

use super::{
    ledger::{Change, Facts, Head, Ledger},
    queue::{Queue, QueueAway},
    record::{Cursor, Owned, Record},
    reset::{Reset, Resets},
};
use crate::handler::{Delivery, Feed, Gauge, Item};

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
    /// To go through events again.
    Reset,
}

/// The dead letters of one handler, as its owner knows and writes them.
#[derive(Debug)]
pub(crate) struct Book {
    pub(super) queue: Queue,
    handler: String,
    epoch: u64,
    ledger: Mutex<Ledger>,
    pub(super) resets: Mutex<Resets>,
    /// Keys that are about to be parked.
    rooms: AtomicUsize,
    pub(super) changed: watch::Sender<()>,
    /// Says that a record waits to be written.
    pub(super) gauge: Gauge,
}

/// The right to park one more key, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room<'a>(Option<&'a Book>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(book) = self.0 {
            book.rooms.fetch_sub(1, Ordering::Relaxed);
            book.changed.send_replace(());
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
        gauge: Gauge,
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
            resets: Mutex::default(),
            rooms: AtomicUsize::new(0),
            changed: watch::Sender::new(()),
            gauge,
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
        self.changed.send_replace(());
        followed
    }

    fn take(&self, ledger: &mut Ledger, delivery: &Delivery) -> Followed {
        if let Some(Subject::HandlerReset { .. }) = Subject::parse(&delivery.subject) {
            let record = Record::decode(&delivery.body).ok();
            let mut resets = self.resets();
            resets.apply(delivery.position.0, record.as_ref());
            return if resets.pending.is_some() { Followed::Reset } else { Followed::Nothing };
        }
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
        match (ledger.apply(&key, delivery.position.0, &record), record) {
            // Known already, since a record of our own met it on its way; nobody has acted upon it.
            (Change::Noted, Record::Requested(asked)) if ledger.is_asked(&key, asked.request) => {
                Followed::Due(key)
            }
            (Change::Noted, _) => Followed::Nothing,
            (Change::Due, _) => Followed::Due(key),
            (Change::Stale, _) => Followed::Stale(key),
        }
    }

    /// Tells whenever anything may have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn handler(&self) -> &str {
        &self.handler
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

    /// The last message on the subject of `key`; 0 if nothing needs to be known about it.
    pub(crate) fn last(&self, key: &str) -> u64 {
        self.ledger().get(key).map_or(0, |entry| entry.last)
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

    /// Commits of `key` behind `position`.
    pub(crate) async fn behind(&self, key: &str, position: Position) -> Result<u64, BookError> {
        let behind = self.queue.behind(key, position).await;
        behind.map_err(|QueueAway(why)| BookError::Away(why))
    }

    /// What was asked of the handler and is not done.
    pub(crate) fn reset(&self) -> Option<Reset> {
        self.resets().pending.clone()
    }

    pub(super) fn resets(&self) -> MutexGuard<'_, Resets> {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
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

pub(super) fn encoded(record: &Record) -> Result<bytes::Bytes, BookError> {
    record.encode().map_err(|error| BookError::Unwritable(error.to_string()))
}
