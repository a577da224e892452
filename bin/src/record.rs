//! One event as the command line shows it: a line for people, a stable JSON object for machines.
//! Not here: reading events.

use chrono::{DateTime, SecondsFormat, Utc};
use infrastructure::{
    envelope::{Data, Element},
    follow::RawEvent,
};
use kit::{EventId, Metadata, Position, Recorded, Version};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::output::clean;

/// An event with its place in the log. The JSON form is part of the command line's contract.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    /// `<position>.<index>`.
    pub(crate) cursor: String,
    /// The event's id.
    pub(crate) event_id: EventId,
    /// `<aggregate>.<kind>`.
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    /// Which aggregate.
    pub(crate) id: &'a str,
    /// Its place in the aggregate.
    pub(crate) version: Version,
    /// The version of the payload's shape.
    pub(crate) schema_version: u32,
    /// When it was decided.
    pub(crate) time: DateTime<Utc>,
    /// Who, why, and in which conversation.
    #[serde(flatten)]
    pub(crate) metadata: &'a Metadata,
    /// The payload as it is stored; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a RawValue>,
    /// A binary payload as it is stored; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_base64: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// The event `element`, which stands at `index` in the commit at `position`.
    #[must_use]
    pub(crate) fn new(
        element: &'a Element<'a>,
        position: Position,
        index: usize,
        payload: bool,
    ) -> Self {
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
            data: data.filter(|_| payload),
            data_base64: data_base64.filter(|_| payload),
        }
    }

    /// The same of an event of a followed chain, without its payload.
    #[must_use]
    pub(crate) fn raw(event: &'a Recorded<RawEvent>) -> Self {
        Self {
            cursor: event.cursor(),
            event_id: event.id,
            kind: &event.event.kind,
            id: event.aggregate_id.as_str(),
            version: event.version,
            schema_version: event.event.schema_version,
            time: event.time,
            metadata: &event.metadata,
            data: None,
            data_base64: None,
        }
    }

    /// One line for people.
    #[must_use]
    pub(crate) fn line(&self) -> String {
        let time = self.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let Self { cursor, kind, id, version, schema_version, .. } = self;
        let mut line = format!("{cursor:>8}  {time}  {kind:<38} {id} v{version}");
        if let Some(user) = &self.metadata.user_id {
            line.push_str(&format!("  by {}", clean(user)));
        }
        if *schema_version > 1 {
            line.push_str(&format!("  (shape {schema_version})"));
        }
        if let Some(data) = self.data {
            line.push_str("  ");
            line.push_str(&clean(data.get()));
        }
        line
    }
}
