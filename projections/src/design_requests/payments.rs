//! Each payment of a request, and what of the one that counts is told where the request stands.
//! Reports come in any order; what they add up to does not depend on it: a success or else a
//! cancellation says what holds, then the latest report, as in the state of a request.

use domain::{
    design::{DesignEvent, PaymentFact, PaymentFailed, PaymentReport},
    money::Money,
};
use kit::{
    AggregateId, Personal, Recorded,
    tables::{Change, Column, Statement, Table, Type},
};

use crate::money::major;

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
        // How much the reports weigh that the amount, the method and the failure are of.
        Column::text("amount_weight"),
        Column::text("method_weight").or_null(),
        Column::text("failure_weight").or_null(),
    ],
    key: &["request_id", "intent_id"],
    indexes: &[],
};

pub(super) const REPORT: Statement = Statement {
    sql: "INSERT INTO {design_request_payments} AS p
            (request_id, intent_id, amount, amount_minor, currency, amount_weight)
          VALUES ($1, $2, $3, $4, $5, $6)
          ON CONFLICT (request_id, intent_id) DO UPDATE SET
            amount = excluded.amount, amount_minor = excluded.amount_minor,
            currency = excluded.currency, amount_weight = excluded.amount_weight
          WHERE excluded.amount_weight > p.amount_weight",
    params: &[Type::Text, Type::Text, Type::Decimal, Type::Int, Type::Text, Type::Text],
};

pub(super) const METHOD: Statement = Statement {
    sql: "UPDATE {design_request_payments} SET method = $3, method_weight = $4
          WHERE request_id = $1 AND intent_id = $2
            AND (method_weight IS NULL OR method_weight < $4)",
    params: &[Type::Text, Type::Text, Type::Text, Type::Text],
};

/// Of several times, the first.
pub(super) const CONFIRMED: Statement = Statement {
    sql: "UPDATE {design_request_payments} SET confirmed_at = $3
          WHERE request_id = $1 AND intent_id = $2
            AND (confirmed_at IS NULL OR confirmed_at > $3)",
    params: &[Type::Text, Type::Text, Type::Time],
};

pub(super) const FAILED: Statement = Statement {
    sql: "UPDATE {design_request_payments} SET
            failed_at = $3, failure_code = $4, failure_reason = $5, failure_weight = $6
          WHERE request_id = $1 AND intent_id = $2
            AND (failure_weight IS NULL OR failure_weight < $6)",
    params: &[Type::Text, Type::Text, Type::Time, Type::Text, Type::Text, Type::Text],
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
    let mut changes = match &event.event {
        E::PaymentIntentCreated(e) if e.processing => {
            report(request, PaymentFact::Processing, &e.report)
        }
        E::PaymentIntentCreated(e) => report(request, PaymentFact::Created, &e.report),
        E::PaymentSucceeded(e) => {
            let mut changes = report(request, PaymentFact::Succeeded, &e.report);
            let row = [request.into(), (&e.report.intent_id).into(), e.report.at.into()];
            changes.push(CONFIRMED.run(row));
            changes
        }
        E::PaymentFailed(e) => {
            let mut changes = report(request, PaymentFact::Failed, &e.report);
            changes.push(failed(request, e));
            changes
        }
        E::PaymentCancelled(e) => report(request, PaymentFact::Cancelled, &e.report),
        E::PaymentFeesRecorded(e) => vec![PAYMENTS.set(
            [request.into(), (&e.intent_id).into()],
            [
                ("fee", major(Money::new(e.fee, e.currency))),
                ("net", major(Money::new(e.net, e.currency))),
                ("fee_currency", e.currency.as_str().into()),
            ],
        )],
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::RefundRequested(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_)
        | E::PersonalDataErased(_) => return Vec::new(),
    };
    changes.push(COUNTS.run([request.into()]));
    changes
}

fn report(request: &AggregateId, fact: PaymentFact, report: &PaymentReport) -> Vec<Change> {
    let weight = weight(fact, report);
    let mut changes = vec![REPORT.run([
        request.into(),
        (&report.intent_id).into(),
        major(report.money()),
        report.amount.into(),
        report.currency.as_str().into(),
        weight.as_str().into(),
    ])];
    // One that tells no method does not take back what another told.
    if let Some(method) = &report.method {
        let (intent, method) = ((&report.intent_id).into(), method.as_str().into());
        changes.push(METHOD.run([request.into(), intent, method, weight.into()]));
    }
    changes
}

fn failed(request: &AggregateId, failed: &PaymentFailed) -> Change {
    let (code, reason) = (failed.failure_code.as_ref(), failed.failure_reason.as_ref());
    FAILED.run([
        request.into(),
        (&failed.report.intent_id).into(),
        failed.report.at.into(),
        code.map(|code| code.as_str()).into(),
        reason.and_then(Personal::known).map(|reason| reason.as_str()).into(),
        weight(PaymentFact::Failed, &failed.report).into(),
    ])
}

/// The greater text is that of the report that says what holds. No two facts of a payment weigh the
/// same.
fn weight(fact: PaymentFact, report: &PaymentReport) -> String {
    /// Above all seconds there are, before 1970 and after.
    const FAR: i64 = 1 << 43;
    let second = FAR + report.at.timestamp();
    let (finality, second) = match fact {
        PaymentFact::Created | PaymentFact::Processing | PaymentFact::Failed => (0, second),
        PaymentFact::Cancelled => (1, second),
        // The first of them counts.
        PaymentFact::Succeeded => (2, 2 * FAR - second),
    };
    let event = report.stripe_event_id.as_ref().map_or("", |event| event.as_str());
    let (amount, currency) = (report.amount, report.currency.as_str());
    format!("{finality} {second:014} {} {event} {amount:019} {currency}", fact as u8)
}
