//! Who changed what when: one row for each field that an event says something about, and one without
//! a field for an event that may leave all of them as they are. What a field held before is the
//! row before; the query tells.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    design::{DesignEvent, HeldPayment, PaymentReport},
    money::Money,
    values::Text,
};
use kit::{
    Personal, Recorded,
    tables::{Change, Column, Table, Value},
};
use serde_json::{Value as Json, json};

use super::{
    events::{created_by, event_type},
    states::values,
};

pub(super) const CHANGES: Table = Table {
    name: "design_request_changes",
    columns: &[
        Column::text("request_id"),
        // The request's own count of events.
        Column::int("version"),
        Column::int("place"),
        Column::text("event_id"),
        Column::text("event_type"),
        Column::time("created_at"),
        Column::text("created_by").or_null(),
        // Who was let in to ask for it, whatever they say.
        Column::text("user_id").or_null(),
        Column::text("field").or_null(),
        Column::json("new_value").or_null(),
    ],
    key: &["request_id", "version", "place"],
    indexes: &[
        &["created_at", "request_id", "version", "place"],
        &["user_id", "created_at", "request_id", "version", "place"],
        &["created_by", "created_at", "request_id", "version", "place"],
    ],
};

pub(super) fn rows(event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Change>> {
    let mut fields: Vec<(Option<String>, Value)> = Vec::new();
    if may_change_nothing(&event.event) {
        fields.push((None, Value::Null));
    }
    for (field, value) in values(&event.event).into_iter().chain(more(&event.event)) {
        fields.push((Some(field.to_owned()), told(value)?));
    }
    if let Some((field, value)) = of_a_part(&event.event) {
        fields.push((Some(field), Value::json(&value)?));
    }
    let row = |(place, (field, value)): (i64, (Option<String>, Value))| {
        CHANGES.put([
            ("request_id", (&event.aggregate_id).into()),
            ("version", event.version.0.cast_signed().into()),
            ("place", place.into()),
            ("event_id", event.id.to_string().into()),
            ("event_type", event_type(&event.event).into()),
            ("created_at", event.time.into()),
            ("created_by", created_by(event)),
            ("user_id", event.metadata.user_id.as_deref().into()),
            ("field", field.into()),
            ("new_value", value),
        ])
    };
    Ok((0..).zip(fields).map(row).collect())
}

/// A report may repeat what is known; and what is erased is told without saying what it was.
const fn may_change_nothing(event: &DesignEvent) -> bool {
    use DesignEvent as E;
    match event {
        E::PaymentIntentCreated(_)
        | E::PaymentSucceeded(_)
        | E::PaymentFailed(_)
        | E::PaymentCancelled(_)
        | E::PersonalDataErased(_) => true,
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_) => false,
    }
}

/// Columns of the state that follow from which payment counts.
fn more(event: &DesignEvent) -> Vec<(&'static str, Value)> {
    use DesignEvent as E;
    let counts = |report: &PaymentReport| !report.superseded;
    match event {
        E::PaymentSucceeded(e) if counts(&e.report) => vec![
            ("payment_confirmed_at", e.report.at.into()),
            ("payment_method", e.report.method.as_ref().map(|it| it.as_str()).into()),
        ],
        E::PaymentFailed(e) if counts(&e.report) => vec![
            ("payment_failure_code", e.failure_code.as_ref().map(|it| it.as_str()).into()),
            (
                "payment_failure_reason",
                e.failure_reason.as_ref().and_then(Personal::known).map(|it| it.as_str()).into(),
            ),
        ],
        E::RequestCancelled(e) => {
            let reason = e.reason.as_ref().and_then(Personal::known);
            vec![("cancel_reason", reason.map(|it| it.as_str()).into())]
        }
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestQuoted(_)
        | E::PaymentIntentCreated(_)
        | E::PaymentSucceeded(_)
        | E::PaymentFailed(_)
        | E::PaymentCancelled(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_)
        | E::PersonalDataErased(_) => Vec::new(),
    }
}

/// What there are several of in a request, each by its id.
fn of_a_part(event: &DesignEvent) -> Option<(String, Json)> {
    use DesignEvent as E;
    Some(match event {
        E::AnswerVersioned(e) => (format!("answers.{}", e.question_id), json!(e.answer)),
        E::PaymentFeesRecorded(e) => {
            let (fee, net) = (Money::new(e.fee, e.currency), Money::new(e.net, e.currency));
            let fees = json!({"fee": fee.major(), "net": net.major(), "currency": e.currency});
            (format!("fees.{}", e.intent_id), fees)
        }
        E::RefundRequested(e) => {
            let amount = Money::new(e.amount, e.currency).major();
            let refund = json!({"amount": amount, "currency": e.currency, "reason": e.reason});
            (format!("refunds.{}", e.intent_id), refund)
        }
        E::PaymentHeld(e) => (format!("held.{}", e.held.intent_id), aside(&e.held, None)),
        E::PaymentUnfit(e) => {
            (format!("unfit.{}", e.held.intent_id), aside(&e.held, Some(&e.code)))
        }
        E::RequestCreated(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::PaymentIntentCreated(_)
        | E::PaymentSucceeded(_)
        | E::PaymentFailed(_)
        | E::PaymentCancelled(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_)
        | E::PersonalDataErased(_) => return None,
    })
}

/// Money that pays for nothing, and why it does not.
fn aside(held: &HeldPayment, code: Option<&Text<100>>) -> Json {
    let mut told = json!({"amount": held.money().major(), "currency": held.currency});
    if let Some(code) = code {
        told["code"] = code.as_str().into();
    }
    told
}

/// A column's value as JSON.
fn told(value: Value) -> serde_json::Result<Value> {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    match value {
        Value::Null => Ok(Value::Null),
        Value::Text(text) => Value::json(&text),
        Value::Int(number) => Value::json(&number),
        Value::Float(number) => Value::json(&number),
        Value::Bool(is) => Value::json(&is),
        Value::Date(day) => Value::json(&day),
        Value::Time(at) => Value::json(&time(at)),
        Value::Decimal(number) => Ok(Value::Json(number.to_string())),
        Value::Json(json) => Ok(Value::Json(json)),
    }
}
