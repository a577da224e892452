//! The parts of the JetStream API that async-nats has no method for: subjects, bodies, error codes.
//! Not here: sending them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Error codes of the server that lead to different actions.
pub mod code {
    /// Another message stands where the expected one was to be the last.
    pub const WRONG_LAST_SEQUENCE: u16 = 10071;
    /// In a cluster: another write on the subject is in process; try again in a moment.
    pub const SEQUENCE_IN_PROCESS: u16 = 10164;
    /// The subject has no message.
    pub const NO_MESSAGE: u16 = 10037;
}

/// Where a direct get of `stream` is asked; any replica answers.
#[must_use]
pub fn direct_get(stream: &str) -> String {
    format!("$JS.API.DIRECT.GET.{stream}")
}

/// Where a message of `stream` is asked from its leader.
#[must_use]
pub fn message_get(stream: &str) -> String {
    format!("$JS.API.STREAM.MSG.GET.{stream}")
}

/// Where `stream`'s leader describes it.
#[must_use]
pub fn stream_info(stream: &str) -> String {
    format!("$JS.API.STREAM.INFO.{stream}")
}

/// Of what a leader says about its stream, the time by its own clock: the one that stamps messages.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct StreamTime {
    /// When it answered.
    pub ts: DateTime<Utc>,
}

/// A batched direct get (ADR-31): the messages of one subject from a place or a time on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DirectGet<'a> {
    /// The first place to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The first time to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// The subject.
    pub next_by_subj: &'a str,
    /// Most messages in the answer.
    pub batch: usize,
    /// Most bytes in the answer; the message that crosses it is the last.
    pub max_bytes: usize,
}

/// Asks for the last message of one subject.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct LastBySubject<'a> {
    /// The subject.
    pub last_by_subj: &'a str,
}

/// The answer to [`LastBySubject`]; the message's body is passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct MessageGot<'a> {
    /// The message, if there is one.
    pub message: Option<Stored>,
    /// Why there is none.
    #[serde(borrow)]
    pub error: Option<ApiError<'a>>,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Stored {
    /// Its place in the stream.
    pub seq: u64,
    /// When the server stored it.
    pub time: DateTime<Utc>,
}

/// The answer to a publish.
#[derive(Debug, Clone, Deserialize)]
pub struct PublishAck<'a> {
    /// The message's place in the stream; 0 beside an error.
    #[serde(default)]
    pub seq: u64,
    /// Why the message was not stored.
    #[serde(borrow)]
    pub error: Option<ApiError<'a>>,
}

/// An error of the JetStream API.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiError<'a> {
    /// As in HTTP: below 500 the request is at fault, from 500 on the server.
    #[serde(default)]
    pub code: u16,
    /// The server's own number, see [`code`].
    #[serde(default)]
    pub err_code: u16,
    /// In words.
    #[serde(borrow, default)]
    pub description: Cow<'a, str>,
}
