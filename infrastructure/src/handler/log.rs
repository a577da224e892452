//! What the leader of the event log says about it.
//! Not here: delivery, which may come from a replica that is behind.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use kit::Position;

/// Readers who wait for a position of a quiet log wait so long.
const QUIET_INTERVAL: Duration = Duration::from_millis(250);

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
                next = [next, found].into_iter().flatten().min();
            }
        }
        Ok(match next.filter(|next| *next <= last) {
            Some(next) => Ahead::Commit(next),
            None => Ahead::Nothing(last),
        })
    }

    /// A request to the leader: a direct get could be answered by a replica that is behind.
    async fn first_after(
        &self,
        from: Position,
        subject: &str,
    ) -> Result<Option<Position>, LogAway> {
        let request = self.stream.raw_message_builder();
        match request.sequence(from.next().0).next_by_subject(subject).send().await {
            Ok(message) => Ok(Some(Position(message.sequence))),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(away(&error)),
        }
    }
}

fn away(error: &dyn fmt::Display) -> LogAway {
    LogAway(error.to_string())
}
