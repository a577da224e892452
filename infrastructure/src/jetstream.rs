//! The event store on NATS JetStream: one commit is one message on its aggregate's exact subject.
//! Not here: creating the stream, or what is in a commit.

mod append;
mod inbox;
mod read;

use std::{future::Future, sync::Arc, time::Duration};

use async_nats::{Client, SubscribeError};
use bytes::Bytes;
use kit::Position;
use nats::Subject;

use self::{append::Appender, read::Reader};
use crate::{
    sealing::Keys,
    store::{AppendError, Page, ReadError, Start, Store, StreamKey},
};

/// Limits of the store's waiting.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// How long an append waits for its acknowledgement before it is `Unknown`.
    pub append_timeout: Duration,
    /// How long one request of a read waits for its answer.
    pub read_timeout: Duration,
    /// Most appends that wait for an acknowledgement. Below the 65,536 messages that a
    /// subscription of async-nats holds before it drops, so that no acknowledgement is dropped.
    pub appends_max: usize,
    /// Most reads at once: direct gets have no flow control, and each may bring 8 MiB (ADR-31).
    pub reads_max: usize,
}

impl Default for JetStreamOptions {
    fn default() -> Self {
        Self {
            append_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            appends_max: 8192,
            reads_max: 32,
        }
    }
}

/// An event store on the stream `EVENTS`.
#[derive(Debug, Clone)]
pub struct JetStreamStore {
    appender: Arc<Appender>,
    reader: Arc<Reader>,
    keys: Option<Keys>,
}

impl JetStreamStore {
    /// A store that appends on one connection and reads on another, so that appends do not queue
    /// behind what else the service sends. Both may be the same connection.
    ///
    /// # Errors
    /// If a connection is closed.
    pub async fn new(
        append: Client,
        read: Client,
        options: JetStreamOptions,
    ) -> Result<Self, SubscribeError> {
        let appender = Appender::open(append, &options).await?;
        let reader = Reader::open(read, &options).await?;
        Ok(Self { appender: Arc::new(appender), reader: Arc::new(reader), keys: None })
    }

    /// The same, which gives out commits with what is sealed in them opened by `keys`.
    #[must_use]
    pub fn opening(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }
}

impl Store for JetStreamStore {
    /// Sends when the future is first polled. A future that is dropped before it ends leaves the
    /// append as unknown as a time-out does.
    fn append(
        &self,
        key: &StreamKey,
        expected: Position,
        body: Bytes,
    ) -> impl Future<Output = Result<Position, AppendError>> + Send + use<> {
        let appender = Arc::clone(&self.appender);
        let subject = Subject::event(&key.aggregate, &key.id);
        async move { appender.append(subject, expected, body).await }
    }

    async fn page(&self, key: &StreamKey, start: Start, goal: Position) -> Result<Page, ReadError> {
        let subject = Subject::event(&key.aggregate, &key.id);
        let mut page = self.reader.page(&subject, start, goal).await?;
        if let Some(keys) = &self.keys {
            for commit in &mut page.commits {
                let opened = keys.opened(&key.aggregate, &key.id, &commit.body).await;
                let opened = opened.map_err(|error| ReadError::Unavailable(error.to_string()))?;
                if let Some(opened) = opened {
                    commit.body = opened;
                }
            }
        }
        Ok(page)
    }

    async fn last(&self, key: &StreamKey) -> Result<Position, ReadError> {
        let last = self.reader.last(&Subject::event(&key.aggregate, &key.id)).await?;
        Ok(last.map_or(Position::ZERO, |stored| Position(stored.seq)))
    }
}
