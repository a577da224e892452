//! Commands, replies and problems as NATS messages: headers and bodies, both ways.
//! Not here: sending and receiving.

use std::{fmt::Display, str::FromStr};

use async_nats::{HeaderMap, HeaderValue, Message};
use bytes::Bytes;
use chrono::DateTime;
use kit::{BadId, Position, Version, excerpt};
use nats::{Subject, headers, limits};

use crate::{
    problem::Problem,
    request::{CommandRequest, Reply},
    telemetry,
};

/// Longest text header in bytes: it is stored with every event.
const HEADER_BYTES_MAX: usize = 256;
/// Bytes to set aside for a reply: one with two events fits.
const REPLY_BYTES_TYPICAL: usize = 384;

/// Reads a command from its subject, headers and body.
///
/// # Errors
/// `invalid` naming the bad part, or `too-large`.
pub fn read_request(
    subject: &str,
    headers: Option<&HeaderMap>,
    body: Bytes,
) -> Result<CommandRequest, Problem> {
    let Some(Subject::Command { aggregate, id, name } | Subject::Enqueue { aggregate, id, name }) =
        Subject::parse(subject)
    else {
        return Err(bad_subject(subject));
    };
    if body.len() > limits::COMMAND_BYTES_MAX {
        return Err(Problem::too_large(format!(
            "the body has {} bytes, {} are allowed",
            body.len(),
            limits::COMMAND_BYTES_MAX
        )));
    }
    let mut request = CommandRequest::new(aggregate, id, name, body);
    if let Some(headers) = headers {
        read_headers(headers, &mut request)?;
    }
    Ok(request)
}

fn read_headers(from: &HeaderMap, request: &mut CommandRequest) -> Result<(), Problem> {
    let id = text(from, headers::COMMAND_ID)?.map(str::parse).transpose();
    request.command_id = id.map_err(|error: BadId| bad_header(headers::COMMAND_ID, error))?;
    request.correlation_id = text(from, headers::CORRELATION_ID)?.map(str::to_owned);
    request.causation_id = text(from, headers::CAUSATION_ID)?.map(str::to_owned);
    request.causation_position = number(from, headers::CAUSATION_POSITION)?.map(Position);
    request.user_id = text(from, headers::USER_ID)?.map(str::to_owned);
    request.session_id = text(from, headers::SESSION_ID)?.map(str::to_owned);
    request.request_id = text(from, headers::REQUEST_ID)?.map(str::to_owned);
    request.expected_version = number(from, headers::EXPECTED_VERSION)?.map(Version);
    let deadline = text(from, headers::DEADLINE)?.map(DateTime::parse_from_rfc3339).transpose();
    let deadline =
        deadline.map_err(|_| bad_header(headers::DEADLINE, "is not an RFC 3339 time"))?;
    request.deadline = deadline.map(|at| at.to_utc());
    request.hops = number(from, headers::HOPS)?.unwrap_or_default();
    // W3C Trace Context, section 3.2: a value that cannot be read begins a new trace.
    let traceparent = values(from, headers::TRACEPARENT).first().map(HeaderValue::as_str);
    request.traceparent =
        traceparent.filter(|value| telemetry::parse(value).is_some()).map(str::to_owned);
    Ok(())
}

/// A command has a few headers and is asked for eleven: looking at each is cheaper than the name on
/// the heap and the hash that a lookup by text makes.
fn values<'a>(from: &'a HeaderMap, name: &str) -> &'a [HeaderValue] {
    let found = from.iter().find(|(each, _)| AsRef::<str>::as_ref(*each) == name);
    found.map_or(&[], |(_, values)| values)
}

/// One header as text: given at most once, not empty, without control characters.
fn text<'a>(from: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let values = values(from, name);
    let Some(value) = values.first().map(HeaderValue::as_str) else { return Ok(None) };
    let reason = if values.len() > 1 {
        "is given more than once"
    } else if value.is_empty() {
        "is empty"
    } else if value.len() > HEADER_BYTES_MAX {
        "is longer than 256 bytes"
    } else if value.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(Some(value));
    };
    Err(bad_header(name, reason))
}

/// Decimal digits only: `parse` alone would also take a plus sign.
fn number<N: FromStr>(from: &HeaderMap, name: &str) -> Result<Option<N>, Problem> {
    let Some(value) = text(from, name)? else { return Ok(None) };
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|_| digits)
        .map(Some)
        .ok_or_else(|| bad_header(name, "is not a whole number in its range"))
}

fn bad_header(name: &str, reason: impl Display) -> Problem {
    Problem::invalid(format!("header {name}: {reason}"))
}

fn bad_subject(subject: &str) -> Problem {
    let subject = excerpt(subject);
    Problem::invalid(format!(
        "subject {subject:?} is not command.<aggregate>.<id>.<name> with an id of 1 to 128 \
         characters out of A-Z a-z 0-9 _ = -"
    ))
}

/// The headers of `request`.
///
/// # Errors
/// `invalid` if a value cannot be a header.
pub fn write_headers(request: &CommandRequest) -> Result<HeaderMap, Problem> {
    let mut map = HeaderMap::new();
    let mut put = |name: &'static str, value: Option<String>| -> Result<(), Problem> {
        let Some(value) = value else { return Ok(()) };
        let value = value.parse::<HeaderValue>().map_err(|error| bad_header(name, error))?;
        map.insert(name, value);
        Ok(())
    };
    put(headers::COMMAND_ID, request.command_id.as_ref().map(ToString::to_string))?;
    put(headers::CORRELATION_ID, request.correlation_id.clone())?;
    put(headers::CAUSATION_ID, request.causation_id.clone())?;
    put(headers::CAUSATION_POSITION, request.causation_position.map(|at| at.to_string()))?;
    put(headers::USER_ID, request.user_id.clone())?;
    put(headers::SESSION_ID, request.session_id.clone())?;
    put(headers::REQUEST_ID, request.request_id.clone())?;
    put(headers::EXPECTED_VERSION, request.expected_version.map(|version| version.to_string()))?;
    put(headers::DEADLINE, request.deadline.map(|at| at.to_rfc3339()))?;
    put(headers::HOPS, (request.hops > 0).then(|| request.hops.to_string()))?;
    put(headers::TRACEPARENT, request.traceparent.clone())?;
    Ok(map)
}

/// The body of a reply.
///
/// # Errors
/// If it has no JSON form.
pub fn write_reply(reply: &Reply) -> serde_json::Result<Bytes> {
    let mut body = Vec::with_capacity(REPLY_BYTES_TYPICAL);
    serde_json::to_writer(&mut body, reply)?;
    Ok(body.into())
}

/// The headers and body of a refusal: ADR-32's error headers around an RFC 9457 body.
#[must_use]
pub fn write_problem(problem: &Problem) -> (HeaderMap, Bytes) {
    let mut map = HeaderMap::new();
    let code = problem.code.parse().unwrap_or_else(|_| HeaderValue::new());
    map.insert(headers::SERVICE_ERROR, code);
    map.insert(headers::SERVICE_ERROR_CODE, HeaderValue::from(u64::from(problem.status)));
    map.insert(headers::CONTENT_TYPE, headers::PROBLEM_JSON);
    // Strings and an integer always have a JSON form.
    (map, serde_json::to_vec(problem).unwrap_or_default().into())
}

/// The answer in `message`: its body, or the problem that its headers announce.
///
/// # Errors
/// The problem.
pub fn read_answer(message: Message) -> Result<Bytes, Problem> {
    let header = |name| message.headers.as_ref().and_then(|map| map.get(name));
    let Some(status) = header(headers::SERVICE_ERROR_CODE) else { return Ok(message.payload) };
    Err(serde_json::from_slice(&message.payload).unwrap_or_else(|_| {
        let words = header(headers::SERVICE_ERROR).map_or("", HeaderValue::as_str);
        let status = status.as_str().parse().unwrap_or(500);
        Problem { status, ..Problem::unavailable(words) }
    }))
}
