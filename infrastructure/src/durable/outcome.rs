//! What became of one durable command, as it is kept and as it is asked for.

use std::collections::BTreeMap;

use async_nats::{HeaderMap, Message};
use chrono::{DateTime, Utc};
use kit::CommandId;
use nats::Subject;
use serde::{Deserialize, Serialize};

use crate::{
    deadletter,
    problem::Problem,
    request::{CommandRequest, Reply, Status},
    wire,
};

/// Most bytes of an outcome: it must fit a message beside its headers.
const OUTCOME_BYTES_MAX: usize = 768 * 1024;

/// How a durable command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeStatus {
    /// It is still in the queue, or being carried out.
    Pending,
    /// Its events are in the log.
    Committed,
    /// It was already so.
    Unchanged,
    /// It had been carried out before.
    Replayed,
    /// It was refused, and repeating it unchanged will not help.
    Refused,
}

/// What became of one durable command, or of an order that a policy sent and that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: OutcomeStatus,
    /// Which command.
    pub command_id: CommandId,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// The answer, if it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// The refusal, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// The message as it came, if it was refused, so that it can be corrected and sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// A refused command as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its body as text, unless it is too large to keep.
    pub body: Option<String>,
}

impl Outcome {
    /// A command that has not ended.
    #[must_use]
    pub const fn pending(command_id: CommandId) -> Self {
        let status = OutcomeStatus::Pending;
        Self { status, command_id, time: None, reply: None, problem: None, original: None }
    }

    pub(super) fn new(
        command_id: CommandId,
        result: Result<Reply, Problem>,
        message: &Message,
    ) -> Self {
        let (status, reply, problem) = match result {
            Ok(reply) => (reply.status.into(), Some(reply), None),
            Err(problem) => (OutcomeStatus::Refused, None, Some(problem)),
        };
        let original = problem.is_some().then(|| Original::of(message));
        Self { status, command_id, time: Some(Utc::now()), reply, problem, original }
    }

    /// A policy's order that was refused.
    pub(crate) fn refused(command_id: CommandId, request: &CommandRequest, why: Problem) -> Self {
        Self {
            status: OutcomeStatus::Refused,
            command_id,
            time: Some(Utc::now()),
            reply: None,
            problem: Some(why),
            original: Some(Original::of_request(request)),
        }
    }

    /// A policy's order, or a command from among the dead letters, that was accepted after all.
    pub(crate) fn accepted(command_id: CommandId, reply: Reply) -> Self {
        let (status, time) = (reply.status.into(), Some(Utc::now()));
        Self { status, command_id, time, reply: Some(reply), problem: None, original: None }
    }

    /// A command that was tried again from among the dead letters, in vain.
    pub(super) fn set_aside(
        command_id: CommandId,
        why: Problem,
        original: &deadletter::Original,
    ) -> Self {
        let deadletter::Original { subject, headers, body, .. } = original.clone();
        let body = match body {
            deadletter::Body::Text(text) => Some(text),
            deadletter::Body::Base64(_) | deadletter::Body::LeftOut(_) => None,
        };
        Self {
            status: OutcomeStatus::Refused,
            command_id,
            time: Some(Utc::now()),
            reply: None,
            problem: Some(why),
            original: Some(Original { subject, headers, body }),
        }
    }

    /// The outcome as it is kept: without the original body if the whole would be too large.
    pub(super) fn write(mut self) -> serde_json::Result<Vec<u8>> {
        let written = serde_json::to_vec(&self)?;
        match &mut self.original {
            Some(original) if written.len() > OUTCOME_BYTES_MAX => {
                original.body = None;
                original.headers.clear();
                serde_json::to_vec(&self)
            }
            _ => Ok(written),
        }
    }
}

impl Original {
    fn of(message: &Message) -> Self {
        Self {
            subject: message.subject.to_string(),
            headers: message.headers.as_ref().map(plain).unwrap_or_default(),
            body: Some(String::from_utf8_lossy(&message.payload).into_owned()),
        }
    }

    fn of_request(request: &CommandRequest) -> Self {
        let CommandRequest { aggregate, id, name, body, .. } = request;
        let (aggregate, id, name) = (aggregate.clone(), id.clone(), name.clone());
        Self {
            subject: Subject::Command { aggregate, id, name }.to_string(),
            // What could not be sent as headers is not worth losing the rest for.
            headers: wire::write_headers(request).as_ref().map(plain).unwrap_or_default(),
            body: Some(String::from_utf8_lossy(body).into_owned()),
        }
    }
}

fn plain(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let values = |values: &Vec<_>| values.iter().map(ToString::to_string).collect();
    headers.iter().map(|(name, all)| (name.to_string(), values(all))).collect()
}

impl From<Status> for OutcomeStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Committed => Self::Committed,
            Status::Unchanged => Self::Unchanged,
            Status::Replayed => Self::Replayed,
        }
    }
}
