//! How many design requests get how far, and how long each step takes: by day or month of their
//! creation, and by product.
//! Not here: the requests themselves; `design_requests` has them.

mod queries;

use chrono::{DateTime, Utc};
use domain::design::DesignEvent;
use kit::{
    Recorded, TableProjection,
    tables::{Change, Column, Query, Statement, Table, Type, Value},
};

/// One row per request: when it reached which step.
#[derive(Debug, Clone, Copy)]
pub struct DesignFunnel;

const STEPS: Table = Table {
    name: "design_request_steps",
    columns: &[
        Column::text("request_id"),
        Column::text("product_id").or_null(),
        Column::time("created_at"),
        Column::text("created_day"),
        Column::text("created_month"),
        Column::time("submitted_at").or_null(),
        Column::time("intent_at").or_null(),
        Column::time("paid_at").or_null(),
        Column::time("started_at").or_null(),
        Column::time("completed_at").or_null(),
        Column::time("cancelled_at").or_null(),
    ],
    key: &["request_id"],
    indexes: &[&["created_at"], &["product_id", "created_at"]],
};

/// Reports come in any order: the first counts, by the provider's clock. What was reported about a
/// payment was begun.
const BEGUN: Statement = Statement {
    sql: "UPDATE {design_request_steps} SET intent_at = $2
          WHERE request_id = $1 AND (intent_at IS NULL OR intent_at > $2)",
    params: &[Type::Text, Type::Time],
};
const PAID: Statement = Statement {
    sql: "UPDATE {design_request_steps} SET paid_at = $2
          WHERE request_id = $1 AND (paid_at IS NULL OR paid_at > $2)",
    params: &[Type::Text, Type::Time],
};

impl TableProjection for DesignFunnel {
    const NAME: &'static str = "design-funnel";
    const VERSION: u32 = 2;
    const TABLES: &'static [Table] = &[STEPS];
    const STATEMENTS: &'static [Statement] = &[BEGUN, PAID];
    const QUERIES: &'static [Query] = &[queries::DROP_OFF, queries::STEPS];
    type When = DesignEvent;

    fn changes(event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Change>> {
        Ok(changes(event))
    }
}

fn changes(event: &Recorded<DesignEvent>) -> Vec<Change> {
    use DesignEvent as E;
    let request = || Value::from(&event.aggregate_id);
    let at = |step: &'static str| vec![STEPS.set([request()], [(step, event.time.into())])];
    let begun = |at: DateTime<Utc>| BEGUN.run([request(), at.into()]);
    match &event.event {
        E::RequestCreated(created) => vec![STEPS.put([
            ("request_id", request()),
            ("product_id", created.product_id.as_ref().map(|id| id.as_str()).into()),
            ("created_at", event.time.into()),
            ("created_day", event.time.format("%Y-%m-%d").to_string().into()),
            ("created_month", event.time.format("%Y-%m").to_string().into()),
        ])],
        E::RequestSubmitted(_) => at("submitted_at"),
        E::PaymentIntentCreated(e) => vec![begun(e.report.at)],
        E::PaymentFailed(e) => vec![begun(e.report.at)],
        E::PaymentCancelled(e) => vec![begun(e.report.at)],
        E::PaymentSucceeded(e) => {
            vec![begun(e.report.at), PAID.run([request(), e.report.at.into()])]
        }
        E::DesignStarted(_) => at("started_at"),
        E::DesignCompleted(_) => at("completed_at"),
        E::RequestCancelled(_) => at("cancelled_at"),
        E::AnswerVersioned(_)
        | E::RequestQuoted(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::PersonalDataErased(_) => Vec::new(),
    }
}
