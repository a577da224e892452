//! One stored message as a line of JSON, which any tool reads:
//! `{"chain":"…","seq":7,"time":"…","subject":"…","headers":{…},"body":"…"}`.
//! Not here: files of lines.

use std::{borrow::Cow, collections::BTreeMap};

use async_nats::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::chain::Chain;

/// How a line begins; the link follows, then [`AFTER`].
const BEFORE: &[u8] = b"{\"chain\":\"";
const AFTER: &[u8] = b"\",";

/// A message as a stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place in the stream.
    pub sequence: u64,
    /// When the server stored it.
    pub time: DateTime<Utc>,
    /// Its subject.
    pub subject: String,
    /// Its headers, by name; each can have several values.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its body.
    pub body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    seq: u64,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: Cow<'a, BTreeMap<String, Vec<String>>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    /// Of a body that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Kept {
    /// A message as it was delivered.
    pub(super) fn new(
        (sequence, time): (u64, DateTime<Utc>),
        subject: String,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Self {
        let values = |values: &Vec<async_nats::HeaderValue>| {
            values.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let headers = headers.into_iter().flat_map(HeaderMap::iter);
        let headers = headers.map(|(name, all)| (name.to_string(), values(all))).collect();
        Self { sequence, time, subject, headers, body }
    }

    /// Whether both are the same message, whenever they were stored.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let Self { sequence, time: _, subject, headers, body } = self;
        (sequence, subject, headers, body)
            == (&other.sequence, &other.subject, &other.headers, &other.body)
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.subject.len() + 256
    }

    /// Writes the record that follows `chain` to `line`, and answers the chain behind it.
    pub(super) fn write(&self, chain: Chain, line: &mut Vec<u8>) -> serde_json::Result<Chain> {
        let text = std::str::from_utf8(&self.body).ok();
        let record = serde_json::to_vec(&Line {
            seq: self.sequence,
            time: self.time.to_rfc3339_opts(SecondsFormat::Nanos, true).into(),
            subject: (&self.subject).into(),
            headers: Cow::Borrowed(&self.headers),
            body: text.map(Cow::Borrowed),
            body_base64: text.is_none().then(|| STANDARD.encode(&self.body)),
        })?;
        // Without its brace, which stands before the link.
        let record = record.get(1..).unwrap_or_default();
        let chain = chain.follow(record);
        for part in [BEFORE, chain.link().as_bytes(), AFTER, record, b"\n"] {
            line.extend_from_slice(part);
        }
        Ok(chain)
    }

    /// Reads the record that follows `chain`, and the chain behind it.
    pub(super) fn read(line: &[u8], chain: Chain) -> Result<(Self, Chain), String> {
        let begun = line.strip_prefix(BEFORE).and_then(|rest| rest.split_at_checked(Chain::LINK));
        let parts = begun.and_then(|(link, rest)| Some((link, rest.strip_prefix(AFTER)?)));
        let (link, record) = parts.ok_or("a line that is no record")?;
        let record = record.strip_suffix(b"\n").ok_or("a record that is cut off")?;
        let chain = chain.follow(record);
        if chain.link().as_bytes() != link {
            return Err("a record that was changed, or is not where it was written".to_owned());
        }
        let line: Line<'_> = serde_json::from_slice(line)
            .map_err(|error| format!("an unreadable record: {error}"))?;
        let time = line.time.parse().map_err(|error| format!("an unreadable time: {error}"))?;
        let body = match (line.body, line.body_base64) {
            (Some(text), None) => Bytes::from(text.into_owned()),
            (None, Some(text)) => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|error| format!("an unreadable body: {error}"))?,
            _ => return Err("a record without a body, or with two".to_owned()),
        };
        let (subject, headers) = (line.subject.into_owned(), line.headers.into_owned());
        Ok((Self { sequence: line.seq, time, subject, headers, body }, chain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sequence: u64, body: &'static [u8]) -> Kept {
        Kept {
            sequence,
            time: "2026-11-21T12:00:00.123456789Z".parse().unwrap(),
            subject: "event.person.ada".to_owned(),
            headers: [("Nats-Msg-Id".to_owned(), vec!["a \"b\"".to_owned(), String::new()])].into(),
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written_whatever_its_body_is() {
        let mut chain = Chain::of("EVENTS");
        for body in [&b""[..], b"[{\"a\":\"\\u00e4\n\"}]", "ä".as_bytes(), &[0xff, 0, 1]] {
            let (record, mut line) = (kept(7, body), Vec::new());
            let next = record.write(chain, &mut line).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(value["chain"], next.link());
            assert_eq!(Kept::read(&line, chain), Ok((record, next)));
            chain = next;
        }
    }

    #[test]
    fn no_byte_can_be_changed() {
        let chain = Chain::of("EVENTS");
        let mut line = Vec::new();
        kept(7, b"[1]").write(chain, &mut line).unwrap();
        for at in 0..line.len() {
            let mut other = line.clone();
            other[at] ^= 1;
            assert!(Kept::read(&other, chain).is_err(), "{at}");
        }
        assert!(Kept::read(&line, Chain::of("DLQ")).is_err(), "of another stream");
        assert!(Kept::read(line.get(1..).unwrap(), chain).is_err());
        assert!(Kept::read(b"", chain).is_err());
    }

    #[test]
    fn the_same_message_stored_at_another_time_is_the_same() {
        let one = kept(7, b"[1]");
        assert!(one.is_same(&Kept { time: Utc::now(), ..one.clone() }));
        for other in [
            kept(8, b"[1]"),
            kept(7, b"[2]"),
            Kept { subject: "event.person.bob".to_owned(), ..one.clone() },
            Kept { headers: BTreeMap::new(), ..one.clone() },
        ] {
            assert!(!one.is_same(&other), "{other:?}");
        }
    }
}
