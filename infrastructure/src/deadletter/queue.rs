//! The stream `DLQ`: appending after what is known, and reading what stands there.
//! Not here: what the records amount to.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    self, Context,
    context::PublishErrorKind,
    message::PublishMessage,
    stream::{LastRawMessageErrorKind, Stream},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::Position;
use nats::{
    Subject,
    api::{self, DirectGet},
    headers, names,
};
use tokio::{sync::Notify, time};

use super::record::Record;
use crate::handler::{Feed, Log};

/// How long a request waits for its answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often a quiet feed hears how far the queue goes: it only finds lost messages.
const QUIET_INTERVAL: Duration = Duration::from_secs(2);

/// Why an append did not end in a place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    /// Another record stands after the expected one.
    #[error("another record came first")]
    Conflict,
    /// No answer, or a refusal that may pass. It may have landed.
    #[error("the queue of dead letters is away: {0}")]
    Away(String),
}

/// The queue did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue of dead letters is away: {0}")]
pub(crate) struct QueueAway(pub(crate) String);

/// All dead letters. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    context: Context,
    stream: Stream,
}

/// One message of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) time: DateTime<Utc>,
    pub(crate) body: Bytes,
}

impl Queue {
    pub(crate) async fn open(client: &async_nats::Client) -> Result<Self, QueueAway> {
        let context = jetstream::new(client.clone());
        let stream = context.get_stream(names::DLQ).await.map_err(|error| away(&error))?;
        Ok(Self { context, stream })
    }

    /// Appends `body` to `subject` if its last message stands at `expected` (0: there is none).
    pub(crate) async fn append(
        &self,
        subject: String,
        body: Bytes,
        expected: Option<u64>,
    ) -> Result<u64, AppendError> {
        let mut message =
            PublishMessage::build().payload(body).header(headers::CONTENT_TYPE, headers::JSON);
        if let Some(expected) = expected {
            message = message.expected_last_subject_sequence(expected);
        }
        let failed = |error: jetstream::context::PublishError| match error.kind() {
            PublishErrorKind::WrongLastSequence => AppendError::Conflict,
            _ => AppendError::Away(error.to_string()),
        };
        let acknowledged = async {
            self.context.send_publish(subject, message).await.map_err(failed)?.await.map_err(failed)
        };
        match time::timeout(TIMEOUT, acknowledged).await {
            Ok(acknowledged) => Ok(acknowledged?.sequence),
            Err(_) => Err(AppendError::Away("no acknowledgement in time".to_owned())),
        }
    }

    /// Every message on `subject` after `after`, as the leader has them.
    pub(crate) async fn tail(&self, subject: &str, after: u64) -> Result<Vec<Stored>, QueueAway> {
        let mut found: Vec<Stored> = Vec::new();
        loop {
            let next = found.last().map_or(after, |last| last.sequence) + 1;
            let request = self.stream.raw_message_builder().sequence(next);
            match request.next_by_subject(subject).send().await {
                Ok(message) => {
                    let (seconds, nanos) =
                        (message.time.unix_timestamp(), message.time.nanosecond());
                    let time = DateTime::from_timestamp(seconds, nanos).unwrap_or_default();
                    let (sequence, body) = (message.sequence, message.payload);
                    found.push(Stored { sequence, time, body });
                }
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    return Ok(found);
                }
                Err(error) => return Err(away(&error)),
            }
        }
    }

    /// The last message of the queue, as the leader has it.
    pub(crate) async fn last(&self) -> Result<Position, QueueAway> {
        let info = self.stream.get_info().await.map_err(|error| away(&error))?;
        Ok(Position(info.state.last_sequence))
    }

    /// The record at `sequence`, as the leader has it.
    pub(crate) async fn get(&self, sequence: u64) -> Result<Option<Record>, QueueAway> {
        match self.stream.get_raw_message(sequence).await {
            Ok(message) => Ok(Record::decode(&message.payload).ok()),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(&error)),
        }
    }

    /// Everything on `subjects`, from the first message on and for ever.
    pub(crate) fn feed(&self, subjects: Vec<String>, name: String) -> Feed {
        let (client, stream) = (self.context.client(), self.stream.clone());
        let log = Log { client, stream, subjects, keys: None, quiet: QUIET_INTERVAL };
        let poke = Arc::new(Notify::new());
        // Whoever reads an empty queue learns so at once.
        poke.notify_one();
        Feed::start(log, name, Position::ZERO, poke)
    }

    /// How many commits of the event subject `key` stand behind `position`; any replica answers.
    pub(crate) async fn behind(&self, key: &str, position: Position) -> Result<u64, QueueAway> {
        let request = DirectGet {
            seq: Some(position.0),
            start_time: None,
            next_by_subj: key,
            batch: 1,
            max_bytes: 0,
        };
        let body = serde_json::to_vec(&request).map_err(|error| away(&error))?;
        let asked = self.context.client();
        let answer = asked.request(api::direct_get(names::EVENTS), body.into()).await;
        let answer = answer.map_err(|error| away(&error))?;
        let pending = answer.headers.as_ref().and_then(|it| it.get_last(headers::NUM_PENDING));
        Ok(pending.and_then(|value| value.as_str().parse().ok()).unwrap_or(0))
    }

    /// Subjects of one handler: its keys, its owners and its resets.
    pub(crate) fn subjects_of(handler: &str) -> Vec<String> {
        let owners = Subject::DeadLetterOwners { handler: handler.to_owned() };
        let resets = Subject::HandlerReset { handler: handler.to_owned() };
        vec![owners.to_string(), resets.to_string(), Subject::dead_letters_of(handler)]
    }
}

fn away(error: &dyn std::fmt::Display) -> QueueAway {
    QueueAway(error.to_string())
}
