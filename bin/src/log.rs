//! Reading the log as a guest: one aggregate's history, or the commits of many as they come.
//! Not here: handlers; a guest leaves no trace on the server.

use anyhow::{Context as _, Result};
use async_nats::jetstream::{
    self, Message,
    consumer::{DeliverPolicy, pull},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use infrastructure::{problem::Problem, store::Commit};
use kit::{AggregateId, Position};
use nats::{Subject, names};

use crate::exit::Advised;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// With the first commit ever.
    Start,
    /// With what comes from now on.
    End,
    /// With this commit or the next one after it.
    Position(Position),
}

impl std::str::FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "start" => Ok(Self::Start),
            "end" => Ok(Self::End),
            _ => match text.parse() {
                Ok(position) if position > 0 => Ok(Self::Position(Position(position))),
                _ => Err("expected start, end or a position from 1".to_owned()),
            },
        }
    }
}

impl From {
    const fn policy(self) -> DeliverPolicy {
        match self {
            Self::Start => DeliverPolicy::All,
            Self::End => DeliverPolicy::New,
            Self::Position(Position(start_sequence)) => {
                DeliverPolicy::ByStartSequence { start_sequence }
            }
        }
    }
}

/// One commit with its address.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Which one.
    pub(crate) id: AggregateId,
    /// Where it stands.
    pub(crate) position: Position,
    /// When the server took it.
    pub(crate) time: DateTime<Utc>,
    /// Its events.
    pub(crate) body: Bytes,
}

/// Commits in the order of the log.
pub(crate) struct Log {
    messages: pull::Ordered,
    pending: u64,
}

impl Log {
    /// Commits on `filter`, beginning at `from`.
    ///
    /// # Errors
    /// If the stream is not there or cannot be read.
    pub(crate) async fn open(
        client: &async_nats::Client,
        filter: String,
        from: From,
    ) -> Result<Self> {
        let stream = jetstream::new(client.clone()).get_stream(names::EVENTS).await;
        let stream = stream.map_err(|error| {
            let advice =
                "`headwater dev` or `headwater serve` makes it; `headwater doctor` looks closer.";
            let detail = format!("the stream EVENTS cannot be read: {error}");
            anyhow::Error::from(Problem::unavailable(detail)).context(Advised::new("", advice))
        })?;
        let config = pull::OrderedConfig {
            filter_subject: filter,
            deliver_policy: from.policy(),
            ..pull::OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await.context("cannot read EVENTS")?;
        let pending = consumer.cached_info().num_pending;
        Ok(Self { messages: consumer.messages().await.context("cannot read EVENTS")?, pending })
    }

    /// The next commit, when there is one. A message that is not on an aggregate's subject is
    /// passed over: the log's permissions let nobody write one.
    ///
    /// # Errors
    /// If the stream cannot be read any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>> {
        while let Some(message) = self.messages.next().await {
            let message = message.context("reading EVENTS was interrupted")?;
            if let Some(entry) = self.entry(message)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The next commit among those that stood in the log when reading began.
    ///
    /// # Errors
    /// If the stream cannot be read any more.
    pub(crate) async fn next_known(&mut self) -> Result<Option<Entry>> {
        if self.pending == 0 { Ok(None) } else { self.next().await }
    }

    fn entry(&mut self, message: Message) -> Result<Option<Entry>> {
        let info = message.info().map_err(|error| anyhow::anyhow!("not from a stream: {error}"))?;
        self.pending = info.pending;
        let (position, time) = (Position(info.stream_sequence), info.published);
        let time = DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond());
        let Some(Subject::Event { id, .. }) = Subject::parse(&message.subject) else {
            return Ok(None);
        };
        let (time, body) = (time.unwrap_or_default(), message.message.payload);
        Ok(Some(Entry { id, position, time, body }))
    }
}

/// The commits of one aggregate that stood in the log when reading began.
pub(crate) struct History(Log);

impl History {
    /// From the first commit on.
    ///
    /// # Errors
    /// `not-found` if there is none, and if the stream cannot be read.
    pub(crate) async fn open(
        client: &async_nats::Client,
        aggregate: &str,
        id: &AggregateId,
    ) -> Result<Self> {
        let log = Log::open(client, Subject::event(aggregate, id), From::Start).await?;
        if log.pending == 0 {
            return Err(Problem::not_found(format!("{aggregate} {id} has no history")).into());
        }
        Ok(Self(log))
    }

    /// The next one.
    ///
    /// # Errors
    /// If the stream cannot be read any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Commit>> {
        let entry = self.0.next_known().await?;
        Ok(entry.map(|Entry { position, time, body, .. }| Commit { position, time, body }))
    }
}
