//! One event as it is shown outside: the JSON object that the command line and HTTP have in common.
//! Not here: reading events.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use kit::{EventId, Metadata, Position, Recorded, Version};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    envelope::{Data, Element},
    follow::RawEvent,
    sealing,
};

/// An event with its place in the log. The JSON form is a contract with whoever reads it.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// `<position>.<index>`.
    pub cursor: String,
    /// The event's id.
    pub event_id: EventId,
    /// `<aggregate>.<kind>`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Which aggregate.
    pub id: &'a str,
    /// Its place in the aggregate.
    pub version: Version,
    /// The version of the payload's shape.
    pub schema_version: u32,
    /// When it was decided.
    pub time: DateTime<Utc>,
    /// Who, why, and in which conversation.
    #[serde(flatten)]
    pub metadata: &'a Metadata,
    /// What of it is sealed, and not opened for whoever reads this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<&'a str>,
    /// What of it was sealed, and is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<&'a str>,
    /// The payload as it is stored; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
    /// A binary payload as it is stored; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// The event `element`, which stands at `index` in the commit at `position`.
    #[must_use]
    pub fn new(element: &'a Element<'a>, position: Position, index: usize, payload: bool) -> Self {
        let (data, data_base64) = match &element.data {
            Data::Json(raw) => (Some(*raw), None),
            Data::Base64 { text, .. } => (None, Some(&**text)),
        };
        Self {
            cursor: format!("{position}.{index}"),
            event_id: element.id,
            kind: &element.kind,
            id: element.aggregate_id.as_str(),
            version: element.version,
            schema_version: element.schema_version,
            time: element.time,
            metadata: &element.metadata,
            sealed: element.sealed.as_deref(),
            erased: element.erased.as_deref(),
            data: data.filter(|_| payload),
            data_base64: data_base64.filter(|_| payload),
        }
    }

    /// The payload for people, with a mark in the place of each sealed value.
    #[must_use]
    pub fn legible(&self) -> Option<Cow<'a, str>> {
        let data = self.data?;
        let marked = self.sealed.and_then(|names| sealing::marked(data, names));
        Some(marked.map_or(Cow::Borrowed(data.get()), |it| Cow::Owned(it.get().to_owned())))
    }

    /// The same of an event of a followed chain, without its payload.
    #[must_use]
    pub fn raw(event: &'a Recorded<RawEvent>) -> Self {
        Self {
            cursor: event.cursor(),
            event_id: event.id,
            kind: &event.event.kind,
            id: event.aggregate_id.as_str(),
            version: event.version,
            schema_version: event.event.schema_version,
            time: event.time,
            metadata: &event.metadata,
            sealed: None,
            erased: None,
            data: None,
            data_base64: None,
        }
    }
}
