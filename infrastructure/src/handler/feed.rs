//! The events of a handler in order, from one position on, without a gap and for ever.
//!
//! A pull consumer of its own for each epoch and each attempt, without acknowledgements: where to
//! begin is the checkpoint's business. The consumer's own count tells a lost message; then a new
//! consumer begins after the last one seen. Not here: what is done with them.

use std::{sync::Arc, time::Duration};

use async_nats::HeaderMap;
use async_nats::jetstream::{
    consumer::{AckPolicy, Consumer, DeliverPolicy, pull},
    message::Info,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use kit::Position;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{self, Instant},
};

use super::{
    backoff::Backoff,
    log::{Ahead, Log},
};

/// Commits asked for at a time, and as many wait in the channel; more would only use memory.
const BATCH_MESSAGES: usize = 256;
/// Bytes asked for at a time: many small commits, or a few of the largest.
const BATCH_BYTES: usize = 8 * nats::limits::COMMIT_BYTES_MAX;
/// The server says so often that the consumer lives; twice as long without a word is an error.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long a pull request stands; it is renewed before.
const EXPIRES: Duration = Duration::from_secs(10);
/// The server drops the consumer after so long without a request: its owner is gone.
const INACTIVE_MAX: Duration = Duration::from_secs(30);
/// A commit that the leader has and that does not arrive for so long was lost on the way.
const STALLED: Duration = Duration::from_secs(2);

/// What a feed brings, in order.
#[derive(Debug)]
pub(crate) enum Item {
    /// One commit.
    Commit(Delivery),
    /// There is nothing for this handler up to this position.
    Nothing(Position),
}

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
}

/// A running feed. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Feed {
    items: mpsc::Receiver<Item>,
    pumping: JoinHandle<()>,
    poke: Arc<Notify>,
}

impl Feed {
    /// Starts after `from`. `name` tells handler and epoch; `poke` asks for the end of the log now.
    pub(crate) fn start(log: Log, name: String, from: Position, poke: Arc<Notify>) -> Self {
        let (sender, items) = mpsc::channel(BATCH_MESSAGES);
        let pump =
            Pump { log, name, attempts: 0, seen: from, told: from, sender, poke: poke.clone() };
        Self { items, pumping: tokio::spawn(pump.run()), poke }
    }

    /// Asks for the end of the log now: the next item is a commit or says that there is none.
    pub(crate) fn look(&self) {
        self.poke.notify_one();
    }

    /// The next item. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<Item> {
        self.items.recv().await
    }

    /// The next item, if it is there already.
    pub(crate) fn ready(&mut self) -> Option<Item> {
        self.items.try_recv().ok()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.pumping.abort();
    }
}

/// Why one consumer's deliveries ended.
enum End {
    /// Nobody takes items any more.
    Done,
    /// Deliveries are no longer complete, in words.
    Broken(String),
}

struct Pump {
    log: Log,
    name: String,
    attempts: u32,
    seen: Position,
    told: Position,
    sender: mpsc::Sender<Item>,
    poke: Arc<Notify>,
}

impl Pump {
    async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            self.attempts += 1;
            let before = self.seen;
            let why = match self.open().await {
                Err(why) => why,
                Ok(messages) => match self.pump(messages).await {
                    End::Done => return,
                    End::Broken(why) => why,
                },
            };
            let consumer = self.consumer_name();
            tracing::info!(%consumer, position = %self.seen, "deliveries begin again: {why}");
            if self.seen > before {
                backoff.reset();
            }
            time::sleep(backoff.next()).await;
        }
    }

    fn consumer_name(&self) -> String {
        format!("{}-{}", self.name, self.attempts)
    }

    async fn open(&self) -> Result<pull::Stream, String> {
        let config = pull::Config {
            name: Some(self.consumer_name()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.seen.next().0 },
            ack_policy: AckPolicy::None,
            filter_subjects: self.log.subjects.clone(),
            inactive_threshold: INACTIVE_MAX,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let consumer: Consumer<pull::Config> =
            self.log.stream.create_consumer(config).await.map_err(|error| error.to_string())?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(BATCH_MESSAGES)
            .max_bytes_per_batch(BATCH_BYTES)
            .heartbeat(HEARTBEAT)
            .expires(EXPIRES)
            .messages();
        messages.await.map_err(|error| error.to_string())
    }

    async fn pump(&mut self, mut messages: pull::Stream) -> End {
        let mut expected = 1;
        let mut quiet = time::interval_at(Instant::now() + self.log.quiet, self.log.quiet);
        quiet.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut missing: Option<(Position, Instant)> = None;
        loop {
            tokio::select! {
                biased;
                message = messages.next() => {
                    let delivery = match message {
                        Some(Ok(message)) => checked(message, expected),
                        Some(Err(error)) => Err(error.to_string()),
                        None => Err("the consumer has ended".to_owned()),
                    };
                    let delivery = match delivery {
                        Ok(delivery) => delivery,
                        Err(why) => return End::Broken(why),
                    };
                    (expected, self.seen) = (expected + 1, delivery.position);
                    (missing, self.told) = (None, delivery.position);
                    if self.sender.send(Item::Commit(delivery)).await.is_err() {
                        return End::Done;
                    }
                    quiet.reset();
                    continue;
                }
                () = self.poke.notified() => {}
                _ = quiet.tick() => {}
            }
            match self.log.ahead(self.seen).await {
                Ok(Ahead::Nothing(end)) => {
                    missing = None;
                    if !self.tell(end).await {
                        return End::Done;
                    }
                }
                Ok(Ahead::Commit(next)) => {
                    let (since, now) = (missing.filter(|(at, _)| *at == next), Instant::now());
                    let (_, since) = *missing.insert(since.unwrap_or((next, now)));
                    if since.elapsed() > STALLED {
                        return End::Broken(format!("the commit at {next} did not arrive"));
                    }
                }
                Err(error) => tracing::debug!(%error, "the end of the log is not known"),
            }
        }
    }

    /// Says that there is nothing up to `end`; false if nobody listens.
    async fn tell(&mut self, end: Position) -> bool {
        if end <= self.told {
            return !self.sender.is_closed();
        }
        // Nothing of this handler stands before `end`, so a new consumer may begin after it.
        (self.seen, self.told) = (end, end);
        self.sender.send(Item::Nothing(end)).await.is_ok()
    }
}

/// When the server stored a message, by its clock.
pub(crate) fn stored_at(info: &Info<'_>) -> DateTime<Utc> {
    let at = info.published;
    DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond()).unwrap_or_default()
}

fn checked(message: async_nats::jetstream::Message, expected: u64) -> Result<Delivery, String> {
    let info = message.info().map_err(|error| error.to_string())?;
    if info.consumer_sequence != expected {
        return Err(format!("delivery {} came where {expected} was due", info.consumer_sequence));
    }
    let (position, pending) = (Position(info.stream_sequence), info.pending);
    let time = stored_at(&info);
    let async_nats::Message { subject, payload, headers, .. } = message.message;
    Ok(Delivery { subject: subject.to_string(), position, time, pending, headers, body: payload })
}
