//! One row per event, as whoever asked for it gave it. Rows are never changed.

use domain::design::{DesignEvent, Provenance};
use kit::{
    Event as _, Metadata, Personal, Recorded,
    tables::{Change, Column, Table, Value},
};
use serde_json::{Map, Value as Json};

pub(super) const EVENTS: Table = Table {
    name: "design_request_events",
    columns: &COLUMNS,
    key: &["id"],
    indexes: &[&["request_id", "created_at", "id"]],
};

pub(super) const COLUMNS: [Column; 7] = [
    Column::text("id"),
    Column::text("request_id"),
    Column::text("event_type"),
    Column::json("event_data"),
    Column::time("created_at"),
    Column::text("created_by").or_null(),
    Column::json("metadata"),
];

pub(super) fn row(event: &Recorded<DesignEvent>) -> serde_json::Result<Change> {
    let provenance = provenance(&event.event);
    Ok(EVENTS.put([
        ("id", event.id.to_string().into()),
        ("request_id", (&event.aggregate_id).into()),
        ("event_type", event_type(&event.event).into()),
        ("event_data", data(&event.event)?),
        ("created_at", event.time.into()),
        ("created_by", created_by(event)),
        ("metadata", metadata(provenance, &event.metadata)?),
    ]))
}

/// The type as reports know it: `request-created` as `REQUEST_CREATED`.
pub(super) fn event_type(event: &DesignEvent) -> String {
    event.kind().name.replace('-', "_").to_uppercase()
}

/// Who triggered it, as the caller says; else who was let in to ask for it.
pub(super) fn created_by(event: &Recorded<DesignEvent>) -> Value {
    let said = provenance(&event.event).and_then(|said| said.created_by.as_ref());
    said.map(|said| said.as_str()).or(event.metadata.user_id.as_deref()).into()
}

/// The data as the caller gave them; else what the event says.
fn data(event: &DesignEvent) -> serde_json::Result<Value> {
    if let Some(data) = provenance(event).and_then(|given| given.data.as_ref()) {
        return Value::json(data);
    }
    let mut data: Map<String, Json> = serde_json::from_slice(&event.data()?)?;
    data.remove("provenance");
    Value::json(&data)
}

/// What the caller says about the circumstances, and over it what the service knows.
fn metadata(given: Option<&Provenance>, known: &Metadata) -> serde_json::Result<Value> {
    let said = given.and_then(|given| given.metadata.as_ref());
    let mut all = said.map(|said| said.as_map().clone()).unwrap_or_default();
    for (name, value) in [
        ("correlation_id", Some(&known.correlation_id)),
        ("causation_id", known.causation_id.as_ref()),
        ("request_id", known.request_id.as_ref()),
        ("session_id", known.session_id.as_ref()),
        ("user_id", known.user_id.as_ref()),
    ] {
        if let Some(value) = value {
            all.insert(name.to_owned(), value.as_str().into());
        }
    }
    Value::json(&all)
}

fn provenance(event: &DesignEvent) -> Option<&Provenance> {
    use DesignEvent as E;
    let said = match event {
        E::PersonalDataErased(_) => None,
        E::RequestCreated(e) => e.provenance.as_ref(),
        E::AnswerVersioned(e) => e.provenance.as_ref(),
        E::RequestSubmitted(e) => e.provenance.as_ref(),
        E::RequestCancelled(e) => e.provenance.as_ref(),
        E::RequestQuoted(e) => e.provenance.as_ref(),
        E::PaymentIntentCreated(e) => e.report.provenance.as_ref(),
        E::PaymentSucceeded(e) => e.report.provenance.as_ref(),
        E::PaymentFailed(e) => e.report.provenance.as_ref(),
        E::PaymentCancelled(e) => e.report.provenance.as_ref(),
        E::PaymentHeld(e) => e.provenance.as_ref(),
        E::PaymentUnfit(e) => e.provenance.as_ref(),
        E::PaymentFeesRecorded(e) => e.provenance.as_ref(),
        E::RefundRequested(e) => e.provenance.as_ref(),
        E::DesignStarted(e) => e.provenance.as_ref(),
        E::DesignCompleted(e) => e.provenance.as_ref(),
    };
    said.and_then(Personal::known)
}
