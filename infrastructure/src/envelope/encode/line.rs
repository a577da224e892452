//! One event of a commit as its element of the JSON array. Not here: how elements are joined.

use std::fmt::{self, Display};

use chrono::{Datelike, SecondsFormat};
use kit::{EventId, Version};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Draft, EncodeError};
use crate::store::StreamKey;

/// One element in the order of the wire.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    specversion: &'static str,
    id: EventId,
    source: Shown<Source<'a>>,
    #[serde(rename = "type")]
    kind: Shown<Type<'a>>,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    schemaversion: u32,
    sequence: Shown<Sequence>,
    commandid: &'a str,
    commandhash: &'a str,
    correlationid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessionid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requestid: Option<&'a str>,
    hops: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<&'a str>,
    data: &'a RawValue,
}

impl<'a> Line<'a> {
    pub(super) fn new(key: &'a StreamKey, draft: &Draft<'a>) -> Result<Self, EncodeError> {
        let (version, metadata) = (draft.version, draft.metadata);
        if !(0..=9999).contains(&draft.time.year()) {
            return Err(EncodeError::Time { version });
        }
        Ok(Self {
            specversion: "1.0",
            id: draft.id,
            source: Shown(Source(&key.aggregate)),
            kind: Shown(Type(&key.aggregate, draft.kind)),
            subject: key.id.as_str(),
            time: draft.time.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: nats::headers::JSON,
            schemaversion: draft.schema_version,
            sequence: Shown(Sequence(version)),
            commandid: metadata.command_id.as_str(),
            commandhash: &metadata.command_hash,
            correlationid: &metadata.correlation_id,
            causationid: metadata.causation_id.as_deref(),
            userid: metadata.user_id.as_deref(),
            sessionid: metadata.session_id.as_deref(),
            requestid: metadata.request_id.as_deref(),
            hops: metadata.hops,
            traceparent: metadata.traceparent.as_deref(),
            sealed: draft.sealed,
            data: serde_json::from_slice(draft.data)
                .map_err(|source| EncodeError::Data { version, source })?,
        })
    }
}

/// Serialises what is displayed, without a string in between.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct Source<'a>(&'a str);

impl Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "headwater/{}", self.0)
    }
}

struct Type<'a>(&'a str, &'a str);

impl Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The CloudEvents sequence extension is a string that sorts: ten digits, zero-padded.
struct Sequence(Version);

impl Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0.0)
    }
}
