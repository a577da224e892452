//! The three kinds of request: an echo, a raw append with an expected sequence, a command.

use anyhow::{Result, bail};
use async_nats::{HeaderMap, HeaderValue, Message, Subject};
use bytes::Bytes;
use nats::headers;
use serde::Deserialize;
use uuid::Uuid;

use super::load::{Request, Work};

/// Aggregates that spread load is spread over.
pub(super) const SPREAD: usize = 10_000;
/// Bytes of every request.
const PAYLOAD: usize = 512;
/// The subject of the worker's echo.
pub(super) const ECHO: &str = "bench.echo";

/// The body of every request: a command with a note that fills it up.
pub(super) fn payload() -> Bytes {
    let frame = r#"{"text":""}"#.len();
    format!(r#"{{"text":"{}"}}"#, "x".repeat(PAYLOAD - frame)).into()
}

/// A round trip to the worker and back.
pub(super) struct Echo {
    pub(super) body: Bytes,
}

impl Work for Echo {
    fn next(&mut self, _: usize) -> Request {
        let subject = Subject::from_static(ECHO);
        Request { subject, headers: HeaderMap::new(), body: self.body.clone() }
    }

    fn answered(&mut self, _: usize, answer: &Message) -> Result<()> {
        if answer.payload.len() != self.body.len() {
            bail!("the echo is not what was sent");
        }
        Ok(())
    }
}

/// An append as the store does it, without a service.
pub(super) struct Publish {
    body: Bytes,
    subjects: Vec<(Subject, u64)>,
    on: Vec<usize>,
    turn: usize,
}

impl Publish {
    pub(super) fn new(body: Bytes, slots: usize) -> Self {
        let subject = |each| (format!("event.raw.{each}").into(), 0);
        let subjects = (0..SPREAD).map(subject).collect();
        Self { body, subjects, on: vec![0; slots], turn: 0 }
    }
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
}

impl Work for Publish {
    fn next(&mut self, slot: usize) -> Request {
        // In turn, so that no subject is on its way twice: there are far more of them than slots.
        self.turn = (self.turn + 1) % SPREAD;
        self.on[slot] = self.turn;
        let (subject, last) = &self.subjects[self.turn];
        let mut map = HeaderMap::new();
        map.insert(headers::EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(*last));
        Request { subject: subject.clone(), headers: map, body: self.body.clone() }
    }

    fn answered(&mut self, slot: usize, answer: &Message) -> Result<()> {
        let Ack { seq } = serde_json::from_slice(&answer.payload)?;
        if seq == 0 {
            bail!("the append failed: {}", String::from_utf8_lossy(&answer.payload));
        }
        self.subjects[self.on[slot]].1 = seq;
        Ok(())
    }
}

/// Commands to `aggregates` notebooks in turn, each with an id of its own.
pub(super) struct Commands {
    body: Bytes,
    subjects: Vec<Subject>,
    turn: usize,
}

impl Commands {
    pub(super) fn new(body: Bytes, name: &str, aggregates: usize) -> Self {
        let subject = |each| format!("command.notebook.{name}-{each}.take-note").into();
        Self { body, subjects: (0..aggregates).map(subject).collect(), turn: 0 }
    }
}

impl Work for Commands {
    fn next(&mut self, _: usize) -> Request {
        self.turn = (self.turn + 1) % self.subjects.len();
        let mut map = HeaderMap::new();
        map.insert(headers::COMMAND_ID, Uuid::now_v7().to_string());
        Request { subject: self.subjects[self.turn].clone(), headers: map, body: self.body.clone() }
    }

    fn answered(&mut self, _: usize, answer: &Message) -> Result<()> {
        if !answer.payload.starts_with(br#"{"status":"committed""#) {
            bail!("a command was not carried out: {}", String::from_utf8_lossy(&answer.payload));
        }
        Ok(())
    }
}
