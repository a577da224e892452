//! What one consumer gives out, in order, and how far it has looked.
//!
//! A heartbeat of the server says how many commits the consumer has given out and up to which
//! position it has looked for more. Both come from the one server that holds the consumer, behind
//! the deliveries that it counts, so nobody who takes himself for the stream's leader is asked.
//! Not here: beginning again when deliveries are no longer complete.

use std::time::Duration;

use async_nats::{
    HeaderMap, Message, StatusCode, Subject, Subscriber,
    jetstream::consumer::{
        AckPolicy, Consumer, DeliverPolicy,
        pull::{self, BatchConfig},
    },
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use kit::Position;
use nats::{Delivered, headers};
use tokio::time::{Instant, timeout_at};

use super::log::Log;
use crate::backup::Kept;

/// Commits asked for at a time; more would only use memory.
pub(super) const BATCH_MESSAGES: usize = 256;
/// Bytes asked for at a time: many small commits, or a few of the largest.
const BATCH_BYTES: usize = 8 * nats::limits::COMMIT_BYTES_MAX;
/// How long a request stands; it is renewed before.
const EXPIRES: Duration = Duration::from_secs(10);
/// A heartbeat may be so late before the consumer is taken for gone.
const LATE_MAX: Duration = Duration::from_secs(2);
/// The server drops the consumer after so long without a request: its owner is gone.
const INACTIVE_MAX: Duration = Duration::from_secs(30);
/// Heartbeats of a request that only makes the consumer look at once.
const LOOK: Duration = Duration::from_millis(1);
/// Such a request stands for so many of them, for a server that is slow to send the first.
const LOOKS: u32 = 8;

/// One stored commit as it was delivered.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) subject: String,
    pub(crate) position: Position,
    /// When the server stored it.
    pub(crate) time: DateTime<Utc>,
    /// Commits of this handler behind this one.
    pub(crate) pending: u64,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) body: Bytes,
    /// The body as it is stored, where something sealed in it was opened.
    pub(crate) sealed: Option<Bytes>,
}

impl Delivery {
    /// The body as it is stored.
    pub(crate) fn stored(&self) -> &Bytes {
        self.sealed.as_ref().unwrap_or(&self.body)
    }
}

impl Delivery {
    /// A commit that stands in a file of which the last one is `last`.
    pub(super) fn of_file(kept: Kept, last: u64) -> Self {
        let Kept { sequence, time, subject, body, .. } = kept;
        let (position, pending) = (Position(sequence), last.saturating_sub(sequence));
        Self { subject, position, time, pending, headers: None, body, sealed: None }
    }
}

/// What the consumer says next.
#[derive(Debug)]
pub(super) enum Word {
    Commit(Delivery),
    /// All of its commits up to this position have been given out.
    Nothing(Position),
}

/// A pull consumer of its own, without acknowledgements.
pub(super) struct Deliveries {
    consumer: Consumer<pull::Config>,
    subscriber: Subscriber,
    inbox: Subject,
    heartbeat: Duration,
    /// How many commits have arrived.
    count: u64,
    /// Nothing up to here is still to come.
    pub(super) reached: Position,
    asked_messages: usize,
    asked_bytes: usize,
    heard: Instant,
}

impl Deliveries {
    pub(super) async fn open(log: &Log, name: String, after: Position) -> Result<Self, String> {
        let config = pull::Config {
            name: Some(name),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.next().0 },
            ack_policy: AckPolicy::None,
            filter_subjects: log.subjects.clone(),
            inactive_threshold: INACTIVE_MAX,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let inbox = Subject::from(log.client.new_inbox());
        let subscriber =
            log.client.subscribe(inbox.clone()).await.map_err(|error| error.to_string())?;
        let consumer = log.stream.create_consumer(config).await;
        Ok(Self {
            consumer: consumer.map_err(|error| error.to_string())?,
            subscriber,
            inbox,
            heartbeat: log.quiet,
            count: 0,
            reached: after,
            asked_messages: 0,
            asked_bytes: 0,
            heard: Instant::now(),
        })
    }

    /// The next word, or why deliveries are no longer complete. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<Word, String> {
        loop {
            if self.asked_messages <= BATCH_MESSAGES / 2 || self.asked_bytes <= BATCH_BYTES / 2 {
                self.ask(BATCH_MESSAGES, BATCH_BYTES, EXPIRES, self.heartbeat).await?;
            }
            let silent = self.heard + self.heartbeat + LATE_MAX;
            let message = timeout_at(silent, self.subscriber.next()).await;
            let message = message.map_err(|_| "the consumer is silent".to_owned())?;
            let message = message.ok_or_else(|| "the connection is closed".to_owned())?;
            self.heard = Instant::now();
            let word = match message.status {
                None | Some(StatusCode::OK) => Some(Word::Commit(self.delivered(message)?)),
                Some(StatusCode::IDLE_HEARTBEAT) => Some(Word::Nothing(self.looked(&message)?)),
                Some(_) => self.ended(&message).map(|()| None)?,
            };
            if let Some(word) = word {
                return Ok(word);
            }
        }
    }

    /// Makes the consumer look and say what it sees, instead of at its next heartbeat.
    pub(super) async fn look(&mut self) -> Result<(), String> {
        self.ask(1, 0, LOOK * LOOKS, LOOK).await
    }

    async fn ask(
        &mut self,
        batch: usize,
        max_bytes: usize,
        expires: Duration,
        idle_heartbeat: Duration,
    ) -> Result<(), String> {
        let request = BatchConfig {
            batch,
            max_bytes,
            expires: Some(expires),
            idle_heartbeat,
            ..BatchConfig::default()
        };
        let asked = self.consumer.request_batch(request, self.inbox.clone()).await;
        asked.map_err(|error| error.to_string())?;
        self.asked_messages += batch;
        self.asked_bytes += max_bytes;
        Ok(())
    }

    fn delivered(&mut self, message: Message) -> Result<Delivery, String> {
        self.asked_messages = self.asked_messages.saturating_sub(1);
        self.asked_bytes = self.asked_bytes.saturating_sub(message.length);
        let delivered = message.reply.as_deref().and_then(Delivered::read);
        let Delivered { stream_sequence, consumer_sequence, time, pending } =
            delivered.ok_or_else(|| "a delivery that does not say where it stands".to_owned())?;
        let (position, due) = (Position(stream_sequence), self.count + 1);
        if consumer_sequence != due {
            return Err(format!("delivery {consumer_sequence} came where {due} was due"));
        }
        if position <= self.reached {
            // A replica that is behind may have put the beginning back to its own end.
            return Err(format!("{position} came after {}", self.reached));
        }
        (self.count, self.reached) = (due, position);
        let Message { subject, payload, headers, .. } = message;
        let subject = subject.as_str().to_owned();
        Ok(Delivery { subject, position, time, pending, headers, body: payload, sealed: None })
    }

    /// How far the consumer has looked without finding more than what has arrived.
    fn looked(&mut self, heartbeat: &Message) -> Result<Position, String> {
        let given = number(heartbeat, headers::LAST_CONSUMER);
        let looked = number(heartbeat, headers::LAST_STREAM);
        let (Some(given), Some(looked)) = (given, looked) else {
            return Err("a heartbeat without its counts".to_owned());
        };
        if given != self.count {
            return Err(format!("{given} commits were given out, {} arrived", self.count));
        }
        self.reached = self.reached.max(Position(looked));
        Ok(self.reached)
    }

    /// Takes back what an ended request had still asked for.
    fn ended(&mut self, status: &Message) -> Result<(), String> {
        let messages = number(status, headers::PENDING_MESSAGES);
        let bytes = number(status, headers::PENDING_BYTES);
        let (Some(messages), Some(bytes)) = (messages, bytes) else {
            let why = status.description.as_deref().unwrap_or("without a word");
            return Err(format!("the server ended the deliveries: {why}"));
        };
        let taken =
            |from: usize, value| from.saturating_sub(usize::try_from(value).unwrap_or(from));
        self.asked_messages = taken(self.asked_messages, messages);
        self.asked_bytes = taken(self.asked_bytes, bytes);
        Ok(())
    }
}

fn number(message: &Message, name: &str) -> Option<u64> {
    message.headers.as_ref()?.get_last(name)?.as_str().parse().ok()
}
