//! What the leader of the event log says about it.
//! Not here: delivery, which may come from a replica that is behind.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, pull},
    stream::{LastRawMessageErrorKind, Stream},
};
use chrono::{DateTime, Utc};
use kit::Position;

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

/// What a handler has still to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// Nothing of its aggregates up to this position.
    Nothing(Position),
    /// The commit at this position.
    Commit(Position),
}

/// The log did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event log is away: {0}")]
pub(crate) struct LogAway(String);

/// The events of some aggregates, as the leader has them.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) stream: Stream,
    pub(crate) subjects: Vec<String>,
    /// How often a quiet feed asks the leader for the end.
    pub(crate) quiet: Duration,
}

impl Log {
    pub(crate) fn new(stream: &Stream, aggregates: &[&str]) -> Self {
        let mut subjects: Vec<_> =
            aggregates.iter().map(|aggregate| nats::Subject::events_of(aggregate)).collect();
        subjects.sort();
        subjects.dedup();
        Self { stream: stream.clone(), subjects, quiet: QUIET_INTERVAL }
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

    /// The position of the last commit of any aggregate.
    pub(crate) async fn last(&self) -> Result<Position, LogAway> {
        let info = self.stream.get_info().await.map_err(|error| away(&error))?;
        Ok(Position(info.state.last_sequence))
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

    /// What stands after `from`. The end of the log is asked for first: a commit that comes in
    /// between stands behind it.
    pub(crate) async fn ahead(&self, from: Position) -> Result<Ahead, LogAway> {
        let last = self.last().await?;
        let mut next: Option<Position> = None;
        if last > from {
            for subject in &self.subjects {
                let found = self.first_after(from, subject).await?;
                next = [next, found.map(|(at, _)| at)].into_iter().flatten().min();
            }
        }
        Ok(match next.filter(|next| *next <= last) {
            Some(next) => Ahead::Commit(next),
            None => Ahead::Nothing(last),
        })
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

fn away(error: &dyn fmt::Display) -> LogAway {
    LogAway(error.to_string())
}
