//! A command request and its answer, as the processor takes and gives them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::{AggregateId, CommandId, EventId, Position, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One command with everything its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRequest {
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The command's name.
    pub name: String,
    /// The body as JSON.
    pub body: Bytes,
    /// The idempotency key; the processor makes one if there is none.
    pub command_id: Option<CommandId>,
    /// The conversation; the command's own id begins one.
    pub correlation_id: Option<String>,
    /// The parent message.
    pub causation_id: Option<String>,
    /// The position of the event that led here; set by policies.
    pub causation_position: Option<Position>,
    /// The user on whose behalf.
    pub user_id: Option<String>,
    /// The user's session.
    pub session_id: Option<String>,
    /// The request at the edge.
    pub request_id: Option<String>,
    /// The version that the caller decided on.
    pub expected_version: Option<Version>,
    /// When the caller stops waiting.
    pub deadline: Option<DateTime<Utc>>,
    /// Policies so far.
    pub hops: u8,
    /// W3C Trace Context.
    pub traceparent: Option<String>,
}

impl CommandRequest {
    /// A request with nothing but its command.
    #[must_use]
    pub fn new(
        aggregate: impl Into<String>,
        id: AggregateId,
        name: impl Into<String>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            aggregate: aggregate.into(),
            id,
            name: name.into(),
            body: body.into(),
            command_id: None,
            correlation_id: None,
            causation_id: None,
            causation_position: None,
            user_id: None,
            session_id: None,
            request_id: None,
            expected_version: None,
            deadline: None,
            hops: 0,
            traceparent: None,
        }
    }

    /// The same request with a command id, a new UUIDv7 if it had none, so that it can be repeated.
    #[must_use]
    pub fn identified(mut self) -> Self {
        self.command_id.get_or_insert_with(|| Uuid::now_v7().into());
        self
    }
}

/// What an accepted command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its events are in the log.
    Committed,
    /// It was already so.
    Unchanged,
    /// It had been carried out before; this is the first answer again.
    Replayed,
}

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What it did.
    pub status: Status,
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The aggregate's version after it.
    pub version: Version,
    /// The commit; for `unchanged` the last one.
    pub position: Position,
    /// The events it made.
    pub events: Vec<EventRef>,
}

/// An event in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRef {
    /// The event's id.
    pub id: EventId,
    /// `<aggregate>.<kind>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its place in the aggregate.
    pub version: Version,
}
