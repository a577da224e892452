//! Each payment of a request, and what of the one that counts is told where the request stands.
//! Reports come in any order; what they add up to does not depend on it.

use domain::{
    design::{DesignEvent, PaymentFailed, PaymentReport},
    money::Money,
};
use kit::{
    AggregateId, Recorded,
    tables::{Change, Column, Statement, Table, Type, Value},
};

use super::states::major;

pub(super) const PAYMENTS: Table = Table {
    name: "design_request_payments",
    columns: &[
        Column::text("request_id"),
        Column::text("intent_id"),
        Column::decimal("amount"),
        // To add up.
        Column::int("amount_minor"),
        Column::text("currency"),
        Column::text("method").or_null(),
        Column::time("confirmed_at").or_null(),
        Column::time("failed_at").or_null(),
        Column::text("failure_code").or_null(),
        Column::text("failure_reason").or_null(),
        Column::decimal("fee").or_null(),
        Column::decimal("net").or_null(),
        // That of the payout, which may be another one.
        Column::text("fee_currency").or_null(),
    ],
    key: &["request_id", "intent_id"],
    indexes: &[],
};

/// A payment was confirmed when it first was, and failed when it last did.
pub(super) const REPORT: Statement = Statement {
    sql: "INSERT INTO {design_request_payments} AS p (request_id, intent_id, amount, amount_minor,
            currency, method, confirmed_at, failed_at, failure_code, failure_reason)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
          ON CONFLICT (request_id, intent_id) DO UPDATE SET
            amount = excluded.amount, amount_minor = excluded.amount_minor,
            currency = excluded.currency, method = coalesce(excluded.method, p.method),
            confirmed_at = CASE
              WHEN p.confirmed_at IS NULL OR excluded.confirmed_at < p.confirmed_at
              THEN excluded.confirmed_at ELSE p.confirmed_at END,
            failed_at = CASE WHEN p.failed_at IS NULL OR excluded.failed_at >= p.failed_at
              THEN excluded.failed_at ELSE p.failed_at END,
            failure_code = CASE WHEN excluded.failed_at >= coalesce(p.failed_at, excluded.failed_at)
              THEN excluded.failure_code ELSE p.failure_code END,
            failure_reason = CASE
              WHEN excluded.failed_at >= coalesce(p.failed_at, excluded.failed_at)
              THEN excluded.failure_reason ELSE p.failure_reason END",
    params: &[
        Type::Text,
        Type::Text,
        Type::Decimal,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Time,
        Type::Time,
        Type::Text,
        Type::Text,
    ],
};

/// Of the payment that counts. Why it failed is told until it succeeds.
pub(super) const COUNTS: Statement = Statement {
    sql: "UPDATE {design_request_states} SET
            payment_net_amount = p.net, payment_fee_amount = p.fee, payment_method = p.method,
            payment_confirmed_at = p.confirmed_at,
            payment_failure_code = CASE WHEN p.confirmed_at IS NULL THEN p.failure_code END,
            payment_failure_reason = CASE WHEN p.confirmed_at IS NULL THEN p.failure_reason END
          FROM {design_request_payments} AS p
          WHERE p.request_id = $1 AND {design_request_states}.request_id = p.request_id
            AND {design_request_states}.stripe_payment_intent_id = p.intent_id",
    params: &[Type::Text],
};

pub(super) fn changes(event: &Recorded<DesignEvent>) -> Vec<Change> {
    use DesignEvent as E;
    let request = &event.aggregate_id;
    let first = match &event.event {
        E::PaymentIntentCreated(e) => report(request, &e.report, None, None),
        E::PaymentSucceeded(e) => report(request, &e.report, Some(e.report.at.into()), None),
        E::PaymentFailed(e) => report(request, &e.report, None, Some(e)),
        E::PaymentCancelled(e) => report(request, &e.report, None, None),
        E::PaymentFeesRecorded(e) => PAYMENTS.set(
            [request.into(), (&e.intent_id).into()],
            [
                ("fee", major(Money::new(e.fee, e.currency))),
                ("net", major(Money::new(e.net, e.currency))),
                ("fee_currency", e.currency.as_str().into()),
            ],
        ),
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::RefundRequested(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_) => return Vec::new(),
    };
    vec![first, COUNTS.run([request.into()])]
}

fn report(
    request: &AggregateId,
    report: &PaymentReport,
    confirmed: Option<Value>,
    failed: Option<&PaymentFailed>,
) -> Change {
    let code = failed.and_then(|failed| failed.failure_code.as_ref());
    let reason = failed.and_then(|failed| failed.failure_reason.as_ref());
    REPORT.run([
        request.into(),
        (&report.intent_id).into(),
        major(report.money()),
        report.amount.into(),
        report.currency.as_str().into(),
        report.method.as_ref().map(|method| method.as_str()).into(),
        confirmed.unwrap_or(Value::Null),
        failed.map(|_| report.at).into(),
        code.map(|code| code.as_str()).into(),
        reason.map(|reason| reason.as_str()).into(),
    ])
}
