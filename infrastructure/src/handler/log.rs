//! The events of some aggregates, and where the log ends.
//! Not here: their delivery.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_nats::{
    Client,
    jetstream::{
        consumer::{AckPolicy, DeliverPolicy, pull},
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use chrono::{DateTime, Utc};
use kit::Position;
use nats::Subject;

use super::Delivery;
use crate::sealing::{KeyError, Keys, is_sealed};

/// Readers who wait for a position of a quiet log wait so long.
const QUIET_INTERVAL: Duration = Duration::from_millis(250);

/// How often somebody who reads nothing counts what there would be to read.
pub(crate) const LAG_INTERVAL: Duration = Duration::from_secs(2);
/// The server forgets a consumer that only counted after so long.
const COUNTED: Duration = Duration::from_secs(5);

/// How much stands after a position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) commits: u64,
    /// When the first of them was stored.
    pub(crate) oldest: Option<DateTime<Utc>>,
}

/// The log did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event log is away: {0}")]
pub(crate) struct LogAway(String);

/// The events of some aggregates.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) client: Client,
    pub(crate) stream: Stream,
    pub(crate) subjects: Vec<String>,
    /// What opens what is sealed in them.
    pub(crate) keys: Option<Keys>,
    /// How often a quiet consumer says how far it has looked.
    pub(crate) quiet: Duration,
}

impl Log {
    pub(crate) fn new(client: &Client, stream: &Stream, aggregates: &[&str]) -> Self {
        let mut subjects: Vec<_> =
            aggregates.iter().map(|aggregate| nats::Subject::events_of(aggregate)).collect();
        subjects.sort();
        subjects.dedup();
        let (client, stream) = (client.clone(), stream.clone());
        Self { client, stream, subjects, keys: None, quiet: QUIET_INTERVAL }
    }

    /// The same, opened by `keys`.
    pub(crate) fn opening(self, keys: Option<&Keys>) -> Self {
        Self { keys: keys.cloned(), ..self }
    }

    /// `delivery` with what is sealed in it opened, if there are keys here; else it comes back.
    pub(super) async fn opened(
        &self,
        mut delivery: Delivery,
    ) -> Result<Delivery, (Delivery, KeyError)> {
        let Some(keys) = &self.keys else { return Ok(delivery) };
        if !is_sealed(&delivery.body) {
            return Ok(delivery);
        }
        let Some(Subject::Event { aggregate, id }) = Subject::parse(&delivery.subject) else {
            return Ok(delivery);
        };
        match keys.opened(&aggregate, &id, &delivery.body).await {
            Ok(Some(opened)) => {
                delivery.sealed = Some(std::mem::replace(&mut delivery.body, opened));
                Ok(delivery)
            }
            Ok(None) => Ok(delivery),
            Err(away) => Err((delivery, away)),
        }
    }

    /// The same log, of one subject alone.
    pub(crate) fn of(&self, subject: &str) -> Self {
        Self { subjects: vec![subject.to_owned()], ..self.clone() }
    }

    /// What tells this log from every other, the ones before it on the same server included.
    pub(crate) fn id(stream: &Stream) -> String {
        let created = SystemTime::from(stream.cached_info().created);
        let since = created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_nanos().to_string()
    }

    /// The position of the last commit of any aggregate, as the leader has it.
    pub(crate) async fn last(&self) -> Result<Position, LogAway> {
        end_of(&self.stream).await
    }

    /// The position of the last commit on `subject`.
    pub(crate) async fn last_of(&self, subject: &str) -> Result<Position, LogAway> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Position(message.sequence)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok(Position::ZERO)
            }
            Err(error) => Err(away(&error)),
        }
    }

    /// Counts what stands after `from`, by a consumer that is called `name` and reads nothing.
    pub(crate) async fn lag(&self, from: Position, name: String) -> Result<Lag, LogAway> {
        let config = pull::Config {
            name: Some(name.clone()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.next().0 },
            ack_policy: AckPolicy::None,
            filter_subjects: self.subjects.clone(),
            inactive_threshold: COUNTED,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let consumer = self.stream.create_consumer(config).await.map_err(|error| away(&error))?;
        let commits = consumer.cached_info().num_pending;
        // If this fails, it is forgotten by itself.
        let _ = self.stream.delete_consumer(&name).await;
        let mut oldest: Option<DateTime<Utc>> = None;
        if commits > 0 {
            for subject in &self.subjects {
                let first = self.first_after(from, subject).await?;
                oldest = oldest.into_iter().chain(first.map(|(_, time)| time)).min();
            }
        }
        Ok(Lag { commits, oldest })
    }

    /// A request to the leader: a direct get could be answered by a replica that is behind.
    async fn first_after(
        &self,
        from: Position,
        subject: &str,
    ) -> Result<Option<(Position, DateTime<Utc>)>, LogAway> {
        let request = self.stream.raw_message_builder();
        match request.sequence(from.next().0).next_by_subject(subject).send().await {
            Ok(message) => {
                let time = message.time;
                let time = DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond());
                Ok(Some((Position(message.sequence), time.unwrap_or_default())))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(&error)),
        }
    }
}

/// The position of the last commit of any aggregate in `stream`, as its leader has it.
pub(crate) async fn end_of(stream: &Stream) -> Result<Position, LogAway> {
    let info = stream.get_info().await.map_err(|error| away(&error))?;
    Ok(Position(info.state.last_sequence))
}

fn away(error: &dyn fmt::Display) -> LogAway {
    LogAway(error.to_string())
}
