//! Header names of commands and replies.

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
/// W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// The append's guard: the sequence of the subject's last message, 0 for none.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
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
/// The media type of a body.
pub const CONTENT_TYPE: &str = "Content-Type";

/// A JSON array of CloudEvents 1.0.
pub const CLOUDEVENTS_BATCH: &str = "application/cloudevents-batch+json";
/// A JSON body.
pub const JSON: &str = "application/json";
/// An RFC 9457 body.
pub const PROBLEM_JSON: &str = "application/problem+json";
