//! Commits in the order of the log, those that are there and those that come.

use async_nats::jetstream::{
    self,
    consumer::{DeliverPolicy, pull},
};
use bytes::Bytes;
use futures::StreamExt as _;
use kit::{AggregateId, Position};
use nats::{Subject, names};

use super::Histories;
use crate::{problem::Problem, sealing::Keys};

/// Commits that are asked for at a time: whoever reads slowly holds this many of up to 512 KiB.
pub(super) const BATCH: i64 = 64;

/// Whose commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this aggregate type alone.
    pub aggregate: Option<String>,
    /// Of this one alone; counts only with a type.
    pub id: Option<AggregateId>,
}

impl Filter {
    fn subject(&self) -> String {
        match (&self.aggregate, &self.id) {
            (None, _) => Subject::EVENTS.to_owned(),
            (Some(aggregate), None) => Subject::events_of(aggregate),
            (Some(aggregate), Some(id)) => Subject::event(aggregate, id),
        }
    }
}

/// One commit with its place.
#[derive(Debug, Clone)]
pub struct LiveCommit {
    /// Where it stands.
    pub position: Position,
    /// Its events.
    pub body: Bytes,
}

/// Commits as they come.
pub struct Live(pull::Ordered, Option<Keys>);

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Histories {
    /// The last position of the log, as the leader has it.
    ///
    /// # Errors
    /// `unknown-aggregate` or `unavailable`.
    pub async fn end(&self) -> Result<Position, Problem> {
        let log = jetstream::new(self.connection.clone()).get_stream(names::EVENTS).await;
        let log = log.map_err(|error| away(&error))?;
        Ok(Position(log.cached_info().state.last_sequence))
    }

    /// The commits that `filter` lets through, the one at `from` and all behind it.
    ///
    /// # Errors
    /// `unknown-aggregate`, or `unavailable` if the log does not answer.
    pub async fn live(&self, filter: &Filter, from: Position) -> Result<Live, Problem> {
        if let Some(aggregate) = &filter.aggregate {
            self.entry(aggregate)?;
        }
        let context = jetstream::new(self.connection.clone());
        let log = context.get_stream_no_info(names::EVENTS).await.map_err(|error| away(&error))?;
        let config = pull::OrderedConfig {
            filter_subject: filter.subject(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.0.max(1) },
            max_batch: BATCH,
            ..pull::OrderedConfig::default()
        };
        let consumer = log.create_consumer(config).await.map_err(|error| away(&error))?;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(Live(messages, self.keys.clone()))
    }
}

impl Live {
    /// The next commit. What ends the wait for it early loses nothing. A message that is not on an
    /// aggregate's subject is passed over: the log's permissions let nobody write one.
    ///
    /// # Errors
    /// `unavailable` if the log cannot be read any more, or the keys of what is sealed in it.
    pub async fn next(&mut self) -> Result<LiveCommit, Problem> {
        loop {
            let Some(message) = self.0.next().await else { return Err(away(&"it has ended")) };
            let message = message.map_err(|error| away(&error))?;
            let position = message.info().map_err(|error| away(&error))?.stream_sequence;
            if let Some(Subject::Event { aggregate, id }) = Subject::parse(&message.subject) {
                let mut body = message.message.payload.clone();
                if let Some(keys) = &self.1
                    && let Some(opened) =
                        keys.opened(&aggregate, &id, &body).await.map_err(|error| away(&error))?
                {
                    body = opened;
                }
                return Ok(LiveCommit { position: Position(position), body });
            }
        }
    }
}

pub(super) fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("the event log does not answer: {error}"))
}
