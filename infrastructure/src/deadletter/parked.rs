//! The record of a failed event: what failed, how often, and the stored message as it was.

use std::collections::BTreeMap;

use async_nats::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use nats::limits::DEAD_LETTER_BODY_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::record::Place;

/// Why an event was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The handler's code failed, as often as its rule allows.
    Bug,
    /// No repetition can help.
    Permanent,
    /// Newer code wrote the event.
    Schema,
    /// The handler asked for it.
    Asked,
    /// Something outside fails for this key alone; the owner tries again by itself.
    Waiting,
    /// A durable command that the service does not take as it is.
    Refused,
}

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it failed.
    pub time: DateTime<Utc>,
    /// Why.
    pub error: String,
}

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Text.
    Text(String),
    /// Bytes that are no text.
    Base64(String),
    /// As many bytes, too many for a record. They stand in the log.
    LeftOut(usize),
}

/// The message that holds the event, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Its subject.
    pub subject: String,
    /// Its headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its headers as bytes in base64, if they cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_headers: Option<String>,
    /// Its body: the whole commit, or the command.
    pub body: Body,
}

impl Original {
    /// The message as it came.
    #[must_use]
    pub fn new(subject: &str, headers: Option<&HeaderMap>, body: &[u8]) -> Self {
        let headers = headers.into_iter().flat_map(HeaderMap::iter).map(|(name, values)| {
            (name.to_string(), values.iter().map(ToString::to_string).collect())
        });
        let body = match std::str::from_utf8(body) {
            // Quotes and controls grow when they are written as JSON.
            Ok(text) if escaped(text) <= DEAD_LETTER_BODY_BYTES_MAX => Body::Text(text.to_owned()),
            _ if body.len().div_ceil(3) * 4 <= DEAD_LETTER_BODY_BYTES_MAX => {
                Body::Base64(STANDARD.encode(body))
            }
            _ => Body::LeftOut(body.len()),
        };
        Self { subject: subject.to_owned(), headers: headers.collect(), raw_headers: None, body }
    }
}

fn escaped(text: &str) -> usize {
    let grown = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    });
    grown.sum()
}

/// An event that failed for good. Its key stands still from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Which event.
    pub event: Place,
    /// Why, by what can be done about it.
    pub class: Class,
    /// Why, in words: one text, in which the cause is told as far as that may be. What a parser says
    /// is left out: it would quote the event's data. Long words are cut.
    pub errors: Vec<String>,
    /// Failed attempts in all.
    pub attempts: u32,
    /// The last of them.
    pub recent: Vec<Attempt>,
    /// When the first attempt failed.
    pub first: DateTime<Utc>,
    /// When the last one did.
    pub last: DateTime<Utc>,
    /// The stored message.
    pub original: Original,
    /// The owner's epoch.
    pub epoch: u64,
}
