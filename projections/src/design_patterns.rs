//! How people go about design requests: how long requests stand in each status and where they stay,
//! which answers are revised, and at which attempt a payment succeeds, by month.
//!
//! Everything is counted as it happens, so that a question about years reads some hundred rows,
//! however many requests there are. Not here: medians and shares of steps; `design_funnel` has them.

mod attempts;
mod questions;
mod requests;
mod statuses;

use chrono::{DateTime, Utc};
use domain::design::DesignEvent;
use kit::{
    Recorded, TableProjection,
    tables::{Change, Query, Statement, Table, Value},
};

/// Counts by month.
#[derive(Debug, Clone, Copy)]
pub struct DesignPatterns;

impl TableProjection for DesignPatterns {
    const NAME: &'static str = "design-patterns";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[
        requests::REQUESTS,
        statuses::MONTHS,
        questions::MONTHS,
        attempts::MONTHS,
        attempts::FAILURES,
    ];
    const STATEMENTS: &'static [Statement] = &[
        requests::MOVE,
        requests::FAIL,
        requests::PAY,
        statuses::ENTER,
        statuses::LEAVE,
        statuses::ARRIVE,
        questions::ANSWER,
        attempts::ATTEMPT,
        attempts::FAILURE,
    ];
    const QUERIES: &'static [Query] =
        &[attempts::QUERY, attempts::FAILURES_QUERY, questions::QUERY, statuses::QUERY];
    type When = DesignEvent;

    fn changes(event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Change>> {
        Ok(changes(event))
    }
}

fn changes(event: &Recorded<DesignEvent>) -> Vec<Change> {
    use DesignEvent as E;
    match &event.event {
        E::RequestCreated(_) => vec![statuses::enter(event), requests::begin(event)],
        E::RequestSubmitted(submitted) => statuses::change(event, submitted.status),
        E::RequestCancelled(_) => statuses::change(event, domain::design::DesignStatus::Cancelled),
        E::DesignStarted(_) => statuses::change(event, domain::design::DesignStatus::InDesign),
        E::DesignCompleted(_) => statuses::change(event, domain::design::DesignStatus::Completed),
        E::PaymentSucceeded(paid) => {
            let mut changes = statuses::change(event, paid.status);
            changes.extend(attempts::succeeded(event, &paid.report));
            changes
        }
        E::PaymentFailed(failed) => attempts::failed(event, failed),
        E::AnswerVersioned(answered) => vec![questions::answered(event, answered)],
        E::RequestQuoted(_)
        | E::PaymentIntentCreated(_)
        | E::PaymentCancelled(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::PersonalDataErased(_) => Vec::new(),
    }
}

fn request(event: &Recorded<DesignEvent>) -> Value {
    (&event.aggregate_id).into()
}

/// The month of a moment, as `2026-11`.
fn month(at: DateTime<Utc>) -> Value {
    at.format("%Y-%m").to_string().into()
}

/// A month that is asked for.
fn read_month(text: &str) -> Result<Value, String> {
    let (year, month) = text.split_once('-').unwrap_or_default();
    let digits = |text: &str, count| text.len() == count && text.parse::<u16>().is_ok();
    if digits(year, 4) && digits(month, 2) {
        return Ok(text.into());
    }
    Err("expected a month, such as 2026-11".to_owned())
}
