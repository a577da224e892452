//! Queued messages whose headers no client can read: they would end the owner's connection each
//! time they are delivered, so they are found without being delivered.

use std::sync::atomic::Ordering;

use async_nats::HeaderName;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kit::{CommandId, Position};
use nats::{Subject, api, names};
use serde::Deserialize;
use serde_json::json;

use super::{
    Outcome,
    dead::{self, Buried},
    worker::Worker,
};
use crate::{
    deadletter::{Book, Class, Original},
    problem::Problem,
};

#[derive(Deserialize)]
struct Answer {
    message: Option<Queued>,
}

#[derive(Deserialize)]
struct Queued {
    seq: u64,
    subject: String,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

impl Worker {
    /// Looks behind the last message that was delivered, and takes what stands there out of the
    /// queue if it cannot be read. It is a dead letter and has an outcome under the id
    /// `COMMANDS-<sequence>`.
    pub(super) async fn look(&self, book: &Book) -> Result<Next, Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        let after = self.seen.load(Ordering::Relaxed);
        let asked = json!({ "seq": after + 1, "next_by_subj": Subject::ENQUEUED }).to_string();
        let answer = self.connection.request(api::message_get(names::COMMANDS), asked.into());
        let answer = answer.await.map_err(|error| away(&error))?;
        let answer: Answer =
            serde_json::from_slice(&answer.payload).map_err(|error| away(&error))?;
        let Some(Queued { seq, subject, hdrs, data }) = answer.message else {
            return Ok(Next::Nothing);
        };
        let headers = STANDARD.decode(&hdrs).map_err(|error| away(&error))?;
        if is_readable(&headers) {
            return Ok(Next::Message(seq));
        }
        let id: Result<CommandId, _> = format!("{}-{seq}", names::COMMANDS).parse();
        let id = id.map_err(|error| away(&error))?;
        let body = STANDARD.decode(data).map_err(|error| away(&error))?;
        let original = Original::new(&subject, None, &body);
        let original = Original { raw_headers: Some(hdrs), ..original };
        let problem = Problem::invalid("the headers cannot be read");
        let buried = Buried {
            id: &id,
            subject: &subject,
            position: Position(seq),
            original: original.clone(),
            failed: Vec::new(),
        };
        dead::bury(book, buried, Class::Refused, &problem).await?;
        self.results.keep(Outcome::set_aside(id, problem, &original)).await?;
        self.results.discard(seq).await?;
        Ok(Next::SetAside)
    }
}

/// What stands in the queue behind the last message that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Nothing,
    /// A message that should have been delivered.
    Message(u64),
    /// One that could not be read, and has been taken out.
    SetAside,
}

/// Whether async-nats can read a message with these headers.
fn is_readable(headers: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(headers) else { return false };
    let named = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| name.parse::<HeaderName>().is_ok())
    };
    let fits =
        |line: &str| !line.contains('\r') && (line.starts_with(char::is_whitespace) || named(line));
    text.lines().skip(1).filter(|line| !line.is_empty()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_connection_is_told_from_what_does_not() {
        let good: [&[u8]; 3] =
            [b"", b"NATS/1.0\r\n\r\n", b"NATS/1.0\r\nHops: 1\r\nUser-Id: a\r\n  b\r\n\r\n"];
        let bad: [&[u8]; 4] = [
            b"NATS/1.0\r\nUser-Id: \xff\r\n\r\n",
            b"NATS/1.0\r\nno colon\r\n\r\n",
            b"NATS/1.0\r\nBad\x01Name: x\r\n\r\n",
            b"NATS/1.0\r\nUser-Id: a\rb\r\n\r\n",
        ];
        assert!(good.into_iter().all(is_readable));
        assert!(!bad.into_iter().any(is_readable));
    }
}
