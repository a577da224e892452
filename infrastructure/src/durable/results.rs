//! The bucket of outcomes, and the query that asks for one.

use async_nats::{
    Client as Connection, HeaderMap,
    jetstream::{
        self, kv,
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use kit::{CommandId, json};
use nats::{Subject, headers, names};
use serde::Deserialize;

use super::{DurableError, Outcome};
use crate::{
    problem::Problem,
    query::{Queries, QueryInfo},
};

/// Commands at the head of the queue that are looked through for one that has no outcome yet.
const SEARCH_MAX: usize = 1000;
/// The query's place: `query.commands.result`.
const PROJECTION: &str = "commands";
const NAME: &str = "result";

/// Where outcomes are kept and asked for.
#[derive(Debug, Clone)]
pub struct Results {
    bucket: kv::Store,
    queue: Stream,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    command_id: CommandId,
}

impl Results {
    /// The outcomes on the server behind `connection`.
    ///
    /// # Errors
    /// If the bucket or the queue is missing.
    pub async fn open(connection: Connection) -> Result<Self, DurableError> {
        let context = jetstream::new(connection);
        let away = |problem: String| DurableError::Away { what: names::RESULTS, problem };
        let bucket = context.get_key_value(names::RESULTS).await;
        let bucket = bucket.map_err(|error| away(error.to_string()))?;
        let queue = context.get_stream(names::COMMANDS).await;
        let queue = queue.map_err(|error| DurableError::Away {
            what: names::COMMANDS,
            problem: error.to_string(),
        })?;
        Ok(Self { bucket, queue })
    }

    /// The outcome of one command; `pending` if it is still in the queue.
    ///
    /// # Errors
    /// `not-found`; `busy` if the queue is too long to be searched; `unavailable`.
    pub async fn of(&self, id: &CommandId) -> Result<Outcome, Problem> {
        if let Some(outcome) = self.ended(id).await? {
            return Ok(outcome);
        }
        if self.is_queued(id).await? {
            return Ok(Outcome::pending(id.clone()));
        }
        // It may have ended while the queue was searched.
        let found = self.ended(id).await?;
        found.ok_or_else(|| Problem::not_found(format!("no durable command has the id {id}")))
    }

    pub(crate) async fn ended(&self, id: &CommandId) -> Result<Option<Outcome>, Problem> {
        // From the leader: a replica that is behind would have a refused command decided anew.
        let subject = format!("{}{id}", self.bucket.prefix);
        let kept = match self.bucket.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => message.payload,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok(None);
            }
            Err(error) => return Err(Problem::unavailable(error.to_string())),
        };
        // A deleted key is a message without a body.
        if kept.is_empty() {
            return Ok(None);
        }
        let outcome = serde_json::from_slice(&kept);
        outcome.map(Some).map_err(|error| Problem::corrupt(format!("the outcome of {id}: {error}")))
    }

    pub(crate) async fn keep(&self, outcome: Outcome) -> Result<(), Problem> {
        let id = outcome.command_id.clone();
        let body = outcome.write().map_err(|error| Problem::corrupt(error.to_string()))?;
        let put = self.bucket.put(id.as_str(), body.into()).await;
        put.map(drop).map_err(|error| Problem::unavailable(error.to_string()))
    }

    /// Takes a message out of the queue.
    pub(super) async fn discard(&self, sequence: u64) -> Result<(), Problem> {
        let deleted = self.queue.delete_message(sequence).await;
        deleted.map(drop).map_err(|error| Problem::unavailable(error.to_string()))
    }

    async fn is_queued(&self, id: &CommandId) -> Result<bool, Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        let info = self.queue.get_info().await.map_err(|error| away(&error))?;
        let mut next = info.state.first_sequence;
        for _ in 0..SEARCH_MAX {
            if next > info.state.last_sequence {
                return Ok(false);
            }
            let request = self.queue.raw_message_builder().sequence(next);
            let message = match request.next_by_subject(Subject::ENQUEUED).send().await {
                Ok(message) => message,
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    return Ok(false);
                }
                Err(error) => return Err(away(&error)),
            };
            if given_id(&message.headers).as_ref() == Some(id) {
                return Ok(true);
            }
            next = message.sequence + 1;
        }
        Err(Problem::busy(format!(
            "{} commands are in the queue and {id} is not among the first {SEARCH_MAX}",
            info.state.messages
        )))
    }
}

/// The id that the caller gave a queued command.
pub(super) fn given_id(headers: &HeaderMap) -> Option<CommandId> {
    let given = headers.get(headers::COMMAND_ID).or_else(|| headers.get(headers::MESSAGE_ID));
    given.and_then(|id| id.as_str().parse().ok())
}

impl Queries for Results {
    fn catalogue(&self) -> Vec<QueryInfo> {
        vec![QueryInfo { projection: PROJECTION, names: vec![NAME] }]
    }

    async fn query(&self, _: &str, name: &str, body: Bytes) -> Result<Bytes, Problem> {
        if name != NAME {
            return Err(Problem::unknown_query(format!(
                "commands has no query {name:?}; it has result"
            )));
        }
        let Params { command_id } =
            json::read(&body).map_err(|error| Problem::invalid(format!("parameters: {error}")))?;
        let outcome = self.of(&command_id).await?;
        let written = serde_json::to_vec(&outcome);
        written.map(Into::into).map_err(|error| Problem::corrupt(error.to_string()))
    }
}
