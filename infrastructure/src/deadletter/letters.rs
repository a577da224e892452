//! Dead letters as tools see them: what stands still, what has been done, and asking for more.
//! A tool changes nothing itself; the owner does what is requested, in the key's own order.

mod reading;

use std::{collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use kit::{AggregateId, Position};
use nats::Subject;
use uuid::Uuid;

use super::{
    ledger::{Facts, Standing},
    parked::Parked,
    queue::{AppendError, Queue, QueueAway},
    record::{BadRecord, Cursor, Record, Requested},
};
use crate::{
    backup::Kept,
    handler::{Delivery, Item},
};
use reading::Reading;

/// One handler's place for the events of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The handler.
    pub handler: String,
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
}

impl Key {
    /// The subject of its records.
    #[must_use]
    pub fn subject(&self) -> String {
        let Self { handler, aggregate, id } = self.clone();
        Subject::DeadLetter { handler, aggregate, id }.to_string()
    }

    /// The key whose records stand on `subject`.
    #[must_use]
    pub fn of(subject: &str) -> Option<Self> {
        match Subject::parse(subject)? {
            Subject::DeadLetter { handler, aggregate, id } => Some(Self { handler, aggregate, id }),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.handler, self.aggregate, self.id)
    }
}

/// A key that stands still.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Which.
    pub key: Key,
    /// The event that failed. In lists the stored message is left out.
    pub parked: Parked,
    /// The first event that is not handled: behind the failed one while what waits is handled.
    pub at: Cursor,
    /// What is to be done about it.
    pub standing: Standing,
    /// The last message on its subject: what a request is appended after.
    pub last: u64,
}

/// One record of a key's history.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the queue.
    pub sequence: u64,
    /// When it was stored.
    pub time: DateTime<Utc>,
    /// The record, if this code can read it.
    pub record: Result<Record, BadRecord>,
}

/// Why dead letters could not be read, or nothing was requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeadLettersError {
    /// Something else was written about the key since it was read.
    #[error("the dead letter has changed since it was read")]
    Changed,
    /// The request has no JSON form.
    #[error("the request has no JSON form: {0}")]
    Unwritable(String),
    /// The queue does not answer. A request may have landed.
    #[error("the queue of dead letters is away: {0}")]
    Away(String),
}

impl From<QueueAway> for DeadLettersError {
    fn from(QueueAway(why): QueueAway) -> Self {
        Self::Away(why)
    }
}

/// The dead letters of all handlers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    queue: Queue,
}

impl DeadLetters {
    /// Finds the queue.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`], if it does not answer.
    pub async fn open(client: &async_nats::Client) -> Result<Self, DeadLettersError> {
        Ok(Self { queue: Queue::open(client).await? })
    }

    /// Every key that stands still, of `handler` or of all, in the order in which they failed.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn list(&self, handler: Option<&str>) -> Result<Vec<DeadLetter>, DeadLettersError> {
        let Reading { ledgers, parked } = self.read(handler).await?;
        let mut letters: Vec<_> = parked.into_iter().collect();
        letters.sort_by_key(|(sequence, _)| *sequence);
        let standing = |(sequence, (key, parked)): (u64, (Key, Parked))| {
            let entry = ledgers.get(&key.handler)?.get(&Subject::event(&key.aggregate, &key.id))?;
            let head = entry.head.clone().filter(|head| head.record == sequence)?;
            let (at, standing, last) = (head.at, head.standing, entry.last);
            Some(DeadLetter { key, parked, at, standing, last })
        };
        Ok(letters.into_iter().filter_map(standing).collect())
    }

    /// The key, with the stored message, if it stands still.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn get(&self, key: &Key) -> Result<Option<DeadLetter>, DeadLettersError> {
        let letters = self.list(Some(&key.handler)).await?;
        match letters.into_iter().find(|letter| letter.key == *key) {
            Some(letter) => Ok(Some(self.opened(letter).await?)),
            None => Ok(None),
        }
    }

    /// `letter`, as it was listed, with the stored message.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn opened(&self, mut letter: DeadLetter) -> Result<DeadLetter, DeadLettersError> {
        for entry in self.history(&letter.key).await?.into_iter().rev() {
            if let Ok(Record::Parked(parked)) = entry.record
                && parked.event == letter.parked.event
            {
                letter.parked.original = parked.original;
                break;
            }
        }
        Ok(letter)
    }

    /// Everything that was ever recorded about `key`, oldest first.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn history(&self, key: &Key) -> Result<Vec<Entry>, DeadLettersError> {
        self.news(key, 0).await
    }

    /// What was recorded about `key` behind the place `after` in the queue, oldest first.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn news(&self, key: &Key, after: u64) -> Result<Vec<Entry>, DeadLettersError> {
        let stored = self.queue.tail(&key.subject(), after).await?;
        let entry = |stored: super::queue::Stored| Entry {
            sequence: stored.sequence,
            time: stored.time,
            record: Record::decode(&stored.body),
        };
        Ok(stored.into_iter().map(entry).collect())
    }

    /// What was decided about events, by the event subject of their aggregates: for whoever goes
    /// through the events of `handler` again.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn facts(&self, handler: &str) -> Result<HashMap<String, Facts>, DeadLettersError> {
        Ok(self.read(Some(handler)).await?.facts(handler))
    }

    /// What was decided about events of `handler`, from `records` of the queue in order.
    pub(crate) fn facts_in<E>(
        handler: &str,
        records: impl IntoIterator<Item = Result<Kept, E>>,
    ) -> Result<HashMap<String, Facts>, E> {
        let mut reading = Reading::default();
        for kept in records {
            let Kept { sequence, time, subject, body, .. } = kept?;
            let position = Position(sequence);
            let (pending, headers, sealed) = (0, None, None);
            reading.take(&Delivery { subject, position, time, pending, headers, body, sealed });
        }
        Ok(reading.facts(handler))
    }

    /// How many commits wait behind the first event that is not handled, as some replica has it.
    ///
    /// # Errors
    /// [`DeadLettersError::Away`].
    pub async fn waiting(&self, letter: &DeadLetter) -> Result<u64, DeadLettersError> {
        let key = Subject::event(&letter.key.aggregate, &letter.key.id);
        Ok(self.queue.behind(&key, letter.at.position).await?)
    }

    /// Asks the owner for something, after `last`: the last message that was seen on the key's
    /// subject. Answers the place of the request.
    ///
    /// # Errors
    /// [`DeadLettersError::Changed`], if something else stands there by now.
    pub async fn request(
        &self,
        key: &Key,
        last: u64,
        request: Requested,
    ) -> Result<u64, DeadLettersError> {
        let record = Record::Requested(Box::new(request));
        let body =
            record.encode().map_err(|error| DeadLettersError::Unwritable(error.to_string()))?;
        let appended = self.queue.append(key.subject(), body, Some(last)).await;
        appended.map_err(|error| match error {
            AppendError::Conflict => DeadLettersError::Changed,
            AppendError::Away(why) => DeadLettersError::Away(why),
        })
    }

    async fn read(&self, handler: Option<&str>) -> Result<Reading, DeadLettersError> {
        let subjects = match handler {
            Some(handler) => Queue::subjects_of(handler),
            None => vec![Subject::DEAD_LETTERS.to_owned()],
        };
        let end = self.queue.last().await?;
        let mut reading = Reading::default();
        if end == Position::ZERO {
            return Ok(reading);
        }
        let mut feed = self.queue.feed(subjects, format!("deadletters-{}", Uuid::now_v7()));
        loop {
            let item = feed.next().await;
            let item =
                item.ok_or_else(|| DeadLettersError::Away("the feed has ended".to_owned()))?;
            let reached = match item {
                Item::Nothing(position) => position,
                Item::Commit(delivery) => {
                    if delivery.pending == 0 {
                        // What stands behind it is another handler's.
                        feed.look();
                    }
                    reading.take(&delivery);
                    delivery.position
                }
            };
            if reached >= end {
                return Ok(reading);
            }
        }
    }
}
