//! Money that is to be given back, as requests have asked for it.

use chrono::{DateTime, Utc};
use domain::{design::DesignEvent, money::Money};
use kit::{
    AggregateId,
    tables::{Change, Column, Table},
};

use crate::money::major;

pub(super) const REFUNDS: Table = Table {
    name: "refunds_due",
    columns: &[
        Column::text("request_id"),
        Column::text("intent_id"),
        Column::decimal("amount"),
        // To add up.
        Column::int("amount_minor"),
        Column::text("currency"),
        Column::text("reason"),
        Column::time("since"),
    ],
    key: &["request_id", "intent_id"],
    indexes: &[&["since", "request_id", "intent_id"]],
};

pub(super) fn due(
    request: &AggregateId,
    time: DateTime<Utc>,
    event: &DesignEvent,
) -> Option<Change> {
    let DesignEvent::RefundRequested(refund) = event else { return None };
    Some(REFUNDS.put([
        ("request_id", request.into()),
        ("intent_id", (&refund.intent_id).into()),
        ("amount", major(Money::new(refund.amount, refund.currency))),
        ("amount_minor", refund.amount.into()),
        ("currency", refund.currency.as_str().into()),
        ("reason", <&str>::from(refund.reason).into()),
        ("since", time.into()),
    ]))
}
