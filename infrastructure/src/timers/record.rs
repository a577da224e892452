//! What is stored of a timer. The forms are the wire: fields are added, never changed.

use std::fmt;

use chrono::{DateTime, Utc};
use kit::{AggregateId, CommandId, EventId, Position};
use nats::Subject;
use serde::{Deserialize, Serialize};

use crate::request::CommandRequest;

/// Which timer: its name within the aggregate whose events set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimerName {
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The name, with its part behind `=`.
    pub name: String,
}

impl TimerName {
    /// Where its records are.
    pub(super) fn set_subject(&self) -> String {
        let Self { aggregate, id, name } = self.clone();
        Subject::TimerSet { aggregate, id, name }.to_string()
    }

    /// Where the server puts it when its time has come.
    pub(super) fn due_subject(&self) -> String {
        let Self { aggregate, id, name } = self.clone();
        Subject::TimerDue { aggregate, id, name }.to_string()
    }

    /// The name as it can be part of a subject, if it can.
    pub(super) fn checked(self) -> Option<Self> {
        Subject::parse(&self.set_subject()).is_some().then_some(self)
    }
}

impl fmt::Display for TimerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}", self.aggregate, self.id, self.name)
    }
}

/// Which reaction wrote a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The policy.
    pub handler: String,
    /// The event it reacted to.
    pub event_id: EventId,
    /// The commit that holds the event.
    pub position: Position,
    /// The event's place in that commit.
    pub index: usize,
    /// The reaction's place among those to the event.
    pub ordinal: usize,
}

impl Cause {
    /// Orders the reactions to the events of one aggregate.
    pub(super) const fn place(&self) -> (u64, usize, usize) {
        (self.position.0, self.index, self.ordinal)
    }
}

/// A command and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What asked for it.
    pub cause: Cause,
    /// When.
    pub at: DateTime<Utc>,
    /// The aggregate type that is asked.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The command.
    pub command: String,
    /// Its body, JSON as text.
    pub body: String,
    /// Its id, derived from the cause: the same however often the timer fires.
    pub command_id: CommandId,
    /// The conversation.
    pub correlation_id: String,
    /// The user on whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The request at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Policies so far.
    #[serde(default)]
    pub hops: u8,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Planned {
    /// The plan to send `request` at `at`, if it has what a plan needs.
    pub(crate) fn new(cause: Cause, at: DateTime<Utc>, request: CommandRequest) -> Option<Self> {
        Some(Self {
            cause,
            at,
            aggregate: request.aggregate,
            id: request.id,
            command: request.name,
            body: String::from_utf8(request.body.to_vec()).ok()?,
            command_id: request.command_id?,
            correlation_id: request.correlation_id?,
            user_id: request.user_id,
            session_id: request.session_id,
            request_id: request.request_id,
            hops: request.hops,
            traceparent: request.traceparent,
        })
    }

    /// The command as it is sent.
    pub(super) fn request(&self) -> CommandRequest {
        let (aggregate, id) = (self.aggregate.clone(), self.id.clone());
        CommandRequest {
            command_id: Some(self.command_id.clone()),
            correlation_id: Some(self.correlation_id.clone()),
            causation_id: Some(self.cause.event_id.to_string()),
            causation_position: Some(self.cause.position),
            user_id: self.user_id.clone(),
            session_id: self.session_id.clone(),
            request_id: self.request_id.clone(),
            hops: self.hops,
            traceparent: self.traceparent.clone(),
            ..CommandRequest::new(aggregate, id, self.command.clone(), self.body.clone())
        }
    }
}

/// One record of a timer: the body of a message on `timer.set.…`, and of what was fired from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TimerRecord {
    /// It waits for its time.
    Set(Box<Planned>),
    /// It is being moved: the schedule before is gone, the next one follows.
    Moving {
        /// What asked for it.
        cause: Cause,
    },
    /// It will not fire. Stays for a day, so that what set it is not repeated.
    Cancelled {
        /// What asked for it.
        cause: Cause,
    },
    /// Its command was answered. Stays for a day, so that what set it is not repeated.
    Done {
        /// What had set it.
        cause: Cause,
        /// When it was answered.
        time: DateTime<Utc>,
        /// How: `committed`, `unchanged`, `replayed`, or the code of the refusal.
        outcome: String,
    },
}

impl TimerRecord {
    /// The reaction that the record goes back to.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        match self {
            Self::Set(planned) => &planned.cause,
            Self::Moving { cause } | Self::Cancelled { cause } | Self::Done { cause, .. } => cause,
        }
    }
}
