//! The stream `TIMERS`: a timer's last record, read from the leader and written only over what was
//! read.
//!
//! Measured on nats-server 2.15.1, file storage: a schedule replaces the one before it on its
//! subject, also without a roll-up header. Any other message on the subject stops the schedule, but
//! without a roll-up the schedule's message stays and fires after a restart; so everything is
//! written with one. What fires removes everything from the subject of its schedule. A schedule
//! with a time to live that ends before it fires is gone without a word, so none has one; nor has
//! what was fired, which must not vanish while no instance runs.

use std::{fmt, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{
        self, Context,
        consumer::{DeliverPolicy, pull},
        context::PublishErrorKind,
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use nats::{
    Subject,
    api::{self, StreamTime},
    headers, names,
};
use tokio::time::timeout;

use super::{TimerName, TimerRecord};

/// How long a timer that is over leaves a trace. Events are delivered again within seconds; after
/// a day only somebody who resets a policy meets a timer anew, and the aggregate knows it is over.
const TRACE: &str = "24h";
/// A scan that brings nothing for so long has come to its end.
const SILENCE: Duration = Duration::from_secs(3);

/// Why a timer was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimerError {
    /// Another record stands where this one was to follow.
    #[error("another record came first")]
    Conflict,
    /// No answer, or a refusal that may pass. The write may have landed.
    #[error("TIMERS does not answer: {0}")]
    Away(String),
    /// What is stored is not ours, or newer.
    #[error("{subject} cannot be read: {problem}")]
    Foreign { subject: String, problem: String },
    /// Another policy has set a timer of this name.
    #[error("the timer {timer} belongs to {handler}")]
    Taken { timer: String, handler: String },
    /// More than the server takes.
    #[error("the timer {0} is too large for the server")]
    TooLarge(String),
    /// The name fits no subject.
    #[error("the timer {0:?} has no kebab-case name")]
    Name(String),
}

pub(super) fn away(error: &dyn fmt::Display) -> TimerError {
    TimerError::Away(error.to_string())
}

/// All timers on one server.
#[derive(Debug, Clone)]
pub(crate) struct TimerStore {
    context: Context,
    stream: Stream,
}

/// A record and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) record: TimerRecord,
}

/// A message of the stream, whatever it holds.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) sequence: u64,
    pub(super) subject: String,
    body: Bytes,
}

impl Seen {
    /// Which timer it is about, and whether it was fired; `None` if it is not ours.
    pub(super) fn timer(&self) -> Option<(TimerName, bool)> {
        match Subject::parse(&self.subject)? {
            Subject::TimerSet { aggregate, id, name } => {
                Some((TimerName { aggregate, id, name }, false))
            }
            Subject::TimerDue { aggregate, id, name } => {
                Some((TimerName { aggregate, id, name }, true))
            }
            _ => None,
        }
    }

    pub(super) fn record(&self) -> Result<TimerRecord, TimerError> {
        serde_json::from_slice(&self.body).map_err(|error| TimerError::Foreign {
            subject: self.subject.clone(),
            problem: error.to_string(),
        })
    }
}

impl TimerStore {
    pub(crate) async fn open(connection: async_nats::Client) -> Result<Self, TimerError> {
        let context = jetstream::new(connection);
        let stream = context.get_stream(names::TIMERS).await.map_err(|error| away(&error))?;
        Ok(Self { context, stream })
    }

    /// The last message on a subject, as the leader knows it.
    pub(super) async fn last(&self, subject: &str) -> Result<Option<Stored>, TimerError> {
        let message = match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok(None);
            }
            Err(error) => return Err(away(&error)),
        };
        let (sequence, body) = (message.sequence, message.payload);
        let record = Seen { sequence, subject: subject.to_owned(), body }.record()?;
        Ok(Some(Stored { sequence, record }))
    }

    /// The first message from `sequence` on that was fired and is not done with.
    pub(super) async fn next_due(&self, sequence: u64) -> Result<Option<Seen>, TimerError> {
        let request = self.stream.raw_message_builder().sequence(sequence);
        match request.next_by_subject(Subject::TIMERS_DUE).send().await {
            Ok(message) => Ok(Some(Seen {
                sequence: message.sequence,
                subject: message.subject.to_string(),
                body: message.payload,
            })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(&error)),
        }
    }

    /// Writes over what stands at `expected`, 0 for nothing.
    pub(super) async fn write(
        &self,
        timer: &TimerName,
        record: &TimerRecord,
        expected: u64,
    ) -> Result<(), TimerError> {
        let subject = timer.set_subject();
        let body = serde_json::to_vec(record).map_err(|error| TimerError::Foreign {
            subject: subject.clone(),
            problem: error.to_string(),
        })?;
        let mut map = HeaderMap::new();
        map.insert(headers::EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
        map.insert(headers::ROLLUP, headers::ROLLUP_SUBJECT);
        match record {
            TimerRecord::Set(planned) => {
                map.insert(headers::SCHEDULE, headers::schedule_at(planned.at).as_str());
                map.insert(headers::SCHEDULE_TARGET, timer.due_subject().as_str());
            }
            // Without an end: what follows takes its place.
            TimerRecord::Moving { .. } => {}
            TimerRecord::Cancelled { .. } | TimerRecord::Done { .. } => {
                map.insert(headers::TTL, TRACE);
            }
        }
        let sent = self.context.publish_with_headers(subject, map, body.into()).await;
        let written = sent.map_err(|error| away(&error))?.await;
        written.map(drop).map_err(|error| match error.kind() {
            PublishErrorKind::WrongLastSequence => TimerError::Conflict,
            PublishErrorKind::MaxPayloadExceeded => TimerError::TooLarge(timer.to_string()),
            _ => away(&error),
        })
    }

    /// Takes a fired message out of the stream. One that is already gone is as good.
    pub(super) async fn remove(&self, sequence: u64) -> Result<(), TimerError> {
        match self.stream.delete_message(sequence).await {
            Ok(_) => Ok(()),
            Err(error) if self.is_gone(sequence).await => {
                tracing::debug!(%error, sequence, "was gone before");
                Ok(())
            }
            Err(error) => Err(away(&error)),
        }
    }

    async fn is_gone(&self, sequence: u64) -> bool {
        let found = self.stream.get_raw_message(sequence).await;
        matches!(found, Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound)
    }

    /// The time by the clock that fires.
    pub(super) async fn time(&self) -> Result<DateTime<Utc>, TimerError> {
        let client = self.context.client();
        let answer = client.request(api::stream_info(names::TIMERS), Bytes::new()).await;
        let answer = answer.map_err(|error| away(&error))?;
        let time: StreamTime =
            serde_json::from_slice(&answer.payload).map_err(|error| away(&error))?;
        Ok(time.ts)
    }

    /// Everything on `filter` as it stands now, the oldest first.
    pub(super) async fn scan(&self, filter: String) -> Result<Scan, TimerError> {
        let config = pull::OrderedConfig {
            filter_subject: filter,
            deliver_policy: DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        };
        let consumer = self.stream.create_consumer(config).await.map_err(|error| away(&error))?;
        let pending = consumer.cached_info().num_pending;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(Scan { messages, pending })
    }
}

/// The messages that stood in the stream when the look at it began, and few that came since.
pub(super) struct Scan {
    messages: pull::Ordered,
    pending: u64,
}

impl Scan {
    pub(super) async fn next(&mut self) -> Result<Option<Seen>, TimerError> {
        if self.pending == 0 {
            return Ok(None);
        }
        // What was counted may be gone by now, and then nothing comes.
        let Ok(message) = timeout(SILENCE, self.messages.next()).await else { return Ok(None) };
        let message = message.ok_or_else(|| away(&"the consumer ended"))?;
        let message = message.map_err(|error| away(&error))?;
        let info = message.info().map_err(|error| away(&error))?;
        let sequence = info.stream_sequence;
        self.pending = info.pending.min(self.pending.saturating_sub(1));
        let message = message.message;
        Ok(Some(Seen { sequence, subject: message.subject.to_string(), body: message.payload }))
    }
}
