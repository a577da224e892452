//! Header names of commands, replies and timers, and how their values are spelled.

use chrono::{DateTime, SecondsFormat, Utc};

/// The idempotency key.
pub const COMMAND_ID: &str = "Command-Id";
/// The conversation.
pub const CORRELATION_ID: &str = "Correlation-Id";
/// The parent message.
pub const CAUSATION_ID: &str = "Causation-Id";
/// The position of the event that led to a policy's command.
pub const CAUSATION_POSITION: &str = "Causation-Position";
/// The user on whose behalf.
pub const USER_ID: &str = "User-Id";
/// The user's session.
pub const SESSION_ID: &str = "Session-Id";
/// The request at the edge.
pub const REQUEST_ID: &str = "Request-Id";
/// The aggregate's version that the caller decided on.
pub const EXPECTED_VERSION: &str = "Expected-Version";
/// When the caller stops waiting, RFC 3339.
pub const DEADLINE: &str = "Deadline";
/// Policies so far in this conversation.
pub const HOPS: &str = "Hops";
/// Of a message beside the log that came back from a backup: when it was stored before, RFC 3339.
pub const STORED_AT: &str = "Stored-At";
/// W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// The append's guard: the sequence of the subject's last message, 0 for none.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
/// The same for the whole stream.
pub const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
/// The stream's duplicate window key; durable commands only.
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
/// A micro service's error in words (ADR-32).
pub const SERVICE_ERROR: &str = "Nats-Service-Error";
/// A micro service's error as an HTTP status (ADR-32).
pub const SERVICE_ERROR_CODE: &str = "Nats-Service-Error-Code";
/// In a direct get's answer: the message's place in its stream (ADR-31).
pub const SEQUENCE: &str = "Nats-Sequence";
/// In a direct get's answer: when the server stored the message, RFC 3339.
pub const TIME_STAMP: &str = "Nats-Time-Stamp";
/// In a batched direct get's answer: matching messages behind this one.
pub const NUM_PENDING: &str = "Nats-Num-Pending";
/// In a batched direct get's answer: the place of the message sent before, 0 for the first.
pub const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
/// In a consumer's heartbeat: how many messages it has given out.
pub const LAST_CONSUMER: &str = "Nats-Last-Consumer";
/// In a consumer's heartbeat: up to which place of its stream it has looked.
pub const LAST_STREAM: &str = "Nats-Last-Stream";
/// At the end of a pull request: messages that it had still asked for.
pub const PENDING_MESSAGES: &str = "Nats-Pending-Messages";
/// At the end of a pull request: bytes that it had still asked for.
pub const PENDING_BYTES: &str = "Nats-Pending-Bytes";
/// When a message of `TIMERS` is to be published on its target (ADR-51).
pub const SCHEDULE: &str = "Nats-Schedule";
/// Where a schedule is published.
pub const SCHEDULE_TARGET: &str = "Nats-Schedule-Target";
/// With [`ROLLUP_SUBJECT`]: the message takes the place of all others on its subject.
pub const ROLLUP: &str = "Nats-Rollup";
/// How long the message lives (ADR-43).
pub const TTL: &str = "Nats-TTL";
/// The media type of a body.
pub const CONTENT_TYPE: &str = "Content-Type";

/// The value of [`ROLLUP`].
pub const ROLLUP_SUBJECT: &str = "sub";
/// A JSON array of CloudEvents 1.0.
pub const CLOUDEVENTS_BATCH: &str = "application/cloudevents-batch+json";
/// A JSON body.
pub const JSON: &str = "application/json";
/// An RFC 9457 body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The value of [`SCHEDULE`] that fires once at `at`.
///
/// nats-server 2.15.1 fires what is beyond the year 2262 at once, and what is before 1678 never:
/// its nanoseconds overflow. So a time too far away becomes one that is merely far away.
#[must_use]
pub fn schedule_at(at: DateTime<Utc>) -> String {
    let (first, last) = (DateTime::UNIX_EPOCH, DateTime::from_timestamp(SCHEDULE_LAST, 0));
    let at = at.clamp(first, last.unwrap_or(DateTime::UNIX_EPOCH).max(first));
    format!("@at {}", at.to_rfc3339_opts(SecondsFormat::Nanos, true))
}

/// The beginning of the year 2200.
const SCHEDULE_LAST: i64 = 7_258_118_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_time_that_the_server_understands() {
        let at = |text: &str| schedule_at(text.parse().unwrap());
        assert_eq!(at("2026-11-21T12:00:00.123456789Z"), "@at 2026-11-21T12:00:00.123456789Z");
        assert_eq!(at("9999-12-31T00:00:00Z"), "@at 2200-01-01T00:00:00.000000000Z");
        assert_eq!(at("1600-01-01T00:00:00Z"), "@at 1970-01-01T00:00:00.000000000Z");
    }
}
