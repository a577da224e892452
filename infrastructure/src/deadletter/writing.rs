//! What an owner writes into its book: each record after whatever has come by then.
//! Not here: which record, and when.

use std::time::Duration;

use chrono::Utc;
use kit::Position;
use nats::Subject;
use tokio::time;

use super::{
    book::{Book, BookError, encoded},
    ledger::{Entry, Standing},
    queue::{AppendError, QueueAway, Stored},
    record::{Record, Released},
    reset::{Reset, Rewound},
    stall::Stall,
};
use crate::handler::Backoff;

/// Waits between attempts to write, for as long as it takes.
const RETRY_DELAY: Duration = Duration::from_millis(20);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);

impl Book {
    /// Appends `record` to `key`, after whatever has come by then. Not safe to repeat after it was
    /// dropped half-way; the ledger of the next epoch tells what became of it.
    pub(crate) async fn append(&self, key: &str, record: Record) -> Result<(), BookError> {
        self.append_while(key, record, |_| true).await
    }

    /// The same for as long as `still` holds for what is known of the key; then nothing.
    async fn append_while(
        &self,
        key: &str,
        record: Record,
        still: impl Fn(&Entry) -> bool,
    ) -> Result<(), BookError> {
        let body = encoded(&record)?;
        let subject = self.subject_of(key)?;
        let mut expected = 0;
        let mut retry = Backoff::new(RETRY_DELAY, RETRY_DELAY_MAX);
        let mut stall = Stall::new(&self.gauge);
        loop {
            // What is known and what the append expects are one: nothing comes between them.
            let known = self.ledger().get(key).cloned().unwrap_or_default();
            if !still(&known) {
                return Ok(());
            }
            expected = known.last.max(expected);
            match self.queue.append(subject.clone(), body.clone(), Some(expected)).await {
                Ok(sequence) => {
                    self.ledger().apply(key, sequence, &record);
                    self.changed.send_replace(());
                    return Ok(());
                }
                Err(AppendError::Conflict) => {}
                Err(AppendError::Away(why)) => {
                    tracing::warn!(handler = self.handler(), "a dead letter's record waits: {why}");
                    stall.failed(&why);
                    time::sleep(retry.next()).await;
                }
            }
            let tail = match self.queue.tail(&subject, expected).await {
                Ok(tail) => tail,
                Err(QueueAway(why)) => {
                    tracing::warn!(handler = self.handler(), "dead letters cannot be read: {why}");
                    stall.failed(&why);
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
            if record.epoch().is_some_and(|epoch| epoch > self.epoch()) {
                return Err(BookError::Fenced);
            }
            ledger.apply(key, stored.sequence, &record);
            landed = landed || *stored.body == *ours;
        }
        drop(ledger);
        self.changed.send_replace(());
        Ok(landed)
    }

    /// Answers what a former owner wrote too late, so that the subject tells the truth again.
    pub(crate) async fn repair(&self, key: &str) -> Result<(), BookError> {
        let Some(entry) = self.ledger().get(key).filter(|entry| entry.stale).cloned() else {
            return Ok(());
        };
        // Meanwhile the key's own lane may write: then there is nothing to answer any more.
        let late = |entry: &Entry| entry.stale;
        match entry.head {
            None => {
                let position = Position::ZERO;
                let released = Released { position, epoch: self.epoch(), time: Utc::now() };
                self.append_while(key, Record::Released(released), late).await
            }
            // What is due leads to a record of its own.
            Some(head) if head.standing != Standing::Parked => Ok(()),
            Some(head) => {
                let found = self.read(head.record).await;
                match found {
                    Some(Record::Parked(mut parked)) => {
                        parked.epoch = self.epoch();
                        self.append_while(key, Record::Parked(parked), late).await
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// The record at `sequence` of the queue, if it is one that this code can read.
    pub(crate) async fn read(&self, sequence: u64) -> Option<Record> {
        let mut retry = Backoff::new(RETRY_DELAY, RETRY_DELAY_MAX);
        loop {
            match self.queue.get(sequence).await {
                Ok(found) => return found,
                Err(QueueAway(why)) => {
                    tracing::warn!(handler = self.handler(), "dead letters cannot be read: {why}");
                    time::sleep(retry.next()).await;
                }
            }
        }
    }

    /// Records that nothing of `key` waits any more; everything up to `position` is handled.
    pub(crate) async fn release(&self, key: &str, position: Position) -> Result<(), BookError> {
        let released = Released { position, epoch: self.epoch(), time: Utc::now() };
        self.append(key, Record::Released(released)).await
    }

    /// Records that `reset` is done: the checkpoint, which stood at `checkpoint`, has been moved.
    pub(crate) async fn rewound(
        &self,
        reset: &Reset,
        checkpoint: Position,
    ) -> Result<(), BookError> {
        let Reset { request, from, .. } = *reset;
        let done = Rewound { request, from, checkpoint, epoch: self.epoch(), time: Utc::now() };
        let record = Record::Rewound(done);
        let body = encoded(&record)?;
        let subject = Subject::HandlerReset { handler: self.handler().to_owned() }.to_string();
        let mut retry = Backoff::new(RETRY_DELAY, RETRY_DELAY_MAX);
        let mut stall = Stall::new(&self.gauge);
        loop {
            let last = self.resets().last;
            match self.queue.append(subject.clone(), body.clone(), Some(last)).await {
                Ok(sequence) => {
                    self.resets().apply(sequence, Some(&record));
                    return Ok(());
                }
                Err(AppendError::Conflict) => {}
                Err(AppendError::Away(why)) => {
                    tracing::warn!(handler = self.handler(), "a reset's record waits: {why}");
                    stall.failed(&why);
                    time::sleep(retry.next()).await;
                }
            }
            match self.queue.tail(&subject, last).await {
                Ok(tail) => {
                    let mut landed = false;
                    for stored in tail {
                        let found = Record::decode(&stored.body).ok();
                        self.resets().apply(stored.sequence, found.as_ref());
                        // By us, or by a former owner that had moved the checkpoint.
                        let of = |found: &Record| matches!(found, Record::Rewound(it) if it.request == request);
                        landed = landed || found.as_ref().is_some_and(of);
                    }
                    if landed {
                        return Ok(());
                    }
                }
                Err(QueueAway(why)) => {
                    tracing::warn!(handler = self.handler(), "resets cannot be read: {why}");
                    stall.failed(&why);
                    time::sleep(retry.next()).await;
                }
            }
        }
    }

    fn subject_of(&self, key: &str) -> Result<String, BookError> {
        match Subject::parse(key) {
            Some(Subject::Event { aggregate, id }) => {
                let handler = self.handler().to_owned();
                Ok(Subject::DeadLetter { handler, aggregate, id }.to_string())
            }
            _ => Err(BookError::Unwritable(format!("{key} is not the subject of an aggregate"))),
        }
    }
}
