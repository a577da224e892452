//! The kinds of request: an echo, a raw append with an expected sequence, a command.

use anyhow::{Result, bail};
use async_nats::{HeaderMap, HeaderValue, Message, Subject};
use bytes::Bytes;
use chrono::Utc;
use infrastructure::{
    envelope::{self, NewEvent},
    receipts::CommandHash,
    store::StreamKey,
};
use kit::{Aggregate as _, AggregateId, CommandId, Kind, Metadata, Version};
use nats::headers;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    aggregate::Notebook,
    load::{Request, Work},
};

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
    fn next(&mut self, _: usize) -> Result<Request> {
        let subject = Subject::from_static(ECHO);
        Ok(Request { subject, headers: HeaderMap::new(), body: self.body.clone() })
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
    content_type: Option<&'static str>,
    subjects: Vec<(Subject, u64)>,
    on: Vec<usize>,
    turn: usize,
}

impl Publish {
    /// Appends of `body` to subjects that `name` tells from others.
    pub(super) fn new(body: Bytes, name: &str, slots: usize) -> Result<Self> {
        let subject = |each: usize| -> Result<_> {
            let id: AggregateId = each.to_string().parse()?;
            Ok((nats::Subject::event(name, &id).into(), 0))
        };
        let subjects = (0..SPREAD).map(subject).collect::<Result<_>>()?;
        Ok(Self { body, content_type: None, subjects, on: vec![0; slots], turn: 0 })
    }

    /// The same appends with `data` in the envelope of a commit.
    pub(super) fn enveloped(data: &Bytes, slots: usize) -> Result<Self> {
        let plain = Self::new(commit(data)?, "enveloped", slots)?;
        Ok(Self { content_type: Some(headers::CLOUDEVENTS_BATCH), ..plain })
    }
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
}

impl Work for Publish {
    fn next(&mut self, slot: usize) -> Result<Request> {
        // In turn, so that no subject is on its way twice: there are far more of them than slots.
        self.turn = (self.turn + 1) % SPREAD;
        self.on[slot] = self.turn;
        let (subject, last) = &self.subjects[self.turn];
        let mut map = HeaderMap::new();
        map.insert(headers::EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(*last));
        if let Some(content_type) = self.content_type {
            map.insert(headers::CONTENT_TYPE, content_type);
        }
        Ok(Request { subject: subject.clone(), headers: map, body: self.body.clone() })
    }

    fn answered(&mut self, slot: usize, answer: &Message) -> Result<()> {
        self.subjects[self.on[slot]].1 = acknowledged(answer)?;
        Ok(())
    }
}

/// The position at which an append was stored.
pub(super) fn acknowledged(answer: &Message) -> Result<u64> {
    let Ack { seq } = serde_json::from_slice(&answer.payload)?;
    if seq == 0 {
        bail!("the append failed: {}", String::from_utf8_lossy(&answer.payload));
    }
    Ok(seq)
}

/// The metadata of an event that the command `name` with the body `body` led to.
pub(super) fn metadata(name: &str, body: &[u8]) -> Metadata {
    let id = CommandId::from(Uuid::now_v7());
    Metadata {
        command_hash: CommandHash::of(name, body).to_hex(),
        correlation_id: id.as_str().to_owned(),
        causation_id: None,
        user_id: None,
        session_id: None,
        request_id: None,
        hops: 0,
        traceparent: None,
        command_id: id,
    }
}

/// The commit that one command of the bench leads to.
fn commit(data: &Bytes) -> Result<Bytes> {
    let metadata = metadata("take-note", data);
    let event = NewEvent {
        id: Uuid::now_v7(),
        kind: Kind { name: "note-taken", version: 1 },
        version: Version(1),
        time: Utc::now(),
        data: data.to_vec(),
    };
    let key = StreamKey { aggregate: Notebook::TYPE.into(), id: "spread-1".parse()? };
    Ok(envelope::encode(&key, [(&event, &metadata)])?)
}

/// Commands to `aggregates` notebooks in turn, each with an id of its own.
pub(super) struct Commands {
    body: Bytes,
    subjects: Vec<Subject>,
    turn: usize,
}

impl Commands {
    pub(super) fn new(body: Bytes, name: &str, aggregates: usize) -> Result<Self> {
        let subject = |each| -> Result<Subject> {
            let id: AggregateId = format!("{name}-{each}").parse()?;
            Ok(nats::Subject::command("notebook", &id, "take-note").into())
        };
        let subjects = (0..aggregates).map(subject).collect::<Result<_>>()?;
        Ok(Self { body, subjects, turn: 0 })
    }
}

impl Work for Commands {
    fn next(&mut self, _: usize) -> Result<Request> {
        self.turn = (self.turn + 1) % self.subjects.len();
        let mut map = HeaderMap::new();
        map.insert(headers::COMMAND_ID, Uuid::now_v7().to_string());
        let subject = self.subjects[self.turn].clone();
        Ok(Request { subject, headers: map, body: self.body.clone() })
    }

    fn answered(&mut self, _: usize, answer: &Message) -> Result<()> {
        if !answer.payload.starts_with(br#"{"status":"committed""#) {
            bail!("a command was not carried out: {}", String::from_utf8_lossy(&answer.payload));
        }
        Ok(())
    }
}
