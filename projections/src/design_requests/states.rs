//! Where each request stands. What depends on which payment counts is in `payments`.

use domain::{
    design::{DesignEvent, DesignStatus, PaymentStatus, PaymentSummary},
    money::Money,
};
use kit::{
    Personal, Recorded,
    tables::{Change, Column, Statement, Table, Type, Value},
};

use crate::money::major;

pub(super) const STATES: Table = Table {
    name: "design_request_states",
    columns: &COLUMNS,
    key: &["request_id"],
    indexes: &[
        &["created_at", "request_id"],
        &["email", "created_at", "request_id"],
        &["current_status", "created_at", "request_id"],
        &["stripe_payment_intent_id"],
    ],
};

pub(super) const COLUMNS: [Column; 20] = [
    // That of the event that created the request.
    Column::text("id"),
    Column::text("request_id"),
    Column::text("current_status"),
    Column::text("current_payment_status"),
    Column::text("email").or_null(),
    Column::text("design_code").or_null(),
    Column::text("product_id").or_null(),
    Column::decimal("total_amount").or_null(),
    Column::text("stripe_payment_intent_id").or_null(),
    Column::decimal("payment_net_amount").or_null(),
    Column::text("payment_currency").or_null(),
    Column::decimal("payment_fee_amount").or_null(),
    Column::text("payment_failure_reason").or_null(),
    Column::text("payment_failure_code").or_null(),
    Column::int("payment_attempts"),
    Column::time("last_payment_attempt_at").or_null(),
    Column::time("payment_confirmed_at").or_null(),
    Column::text("payment_method").or_null(),
    Column::time("created_at"),
    Column::time("updated_at"),
];

/// What was quoted, unless a payment says how much it is about: those of before the quote, which paid
/// nothing, may be about another amount.
pub(super) const QUOTED: Statement = Statement {
    sql: "UPDATE {design_request_states} SET total_amount = $2, payment_currency = $3
          WHERE request_id = $1 AND stripe_payment_intent_id IS NULL",
    params: &[Type::Text, Type::Decimal, Type::Text],
};

/// Columns and what they hold from now on.
pub(super) type Values = Vec<(&'static str, Value)>;

pub(super) fn change(event: &Recorded<DesignEvent>) -> Change {
    match event.event {
        DesignEvent::RequestCreated(_) => STATES.put(row(event)),
        _ => STATES.set([(&event.aggregate_id).into()], touched(event)),
    }
}

/// The row of a request that `event` creates.
pub(super) fn row(event: &Recorded<DesignEvent>) -> Values {
    let mut row = touched(event);
    row.extend([
        ("id", event.id.to_string().into()),
        ("request_id", (&event.aggregate_id).into()),
        ("created_at", event.time.into()),
    ]);
    row
}

fn touched(event: &Recorded<DesignEvent>) -> Values {
    let mut values = match &event.event {
        DesignEvent::RequestQuoted(_) => Vec::new(),
        event => values(event),
    };
    values.push(("updated_at", event.time.into()));
    values
}

/// What `event` makes of the amount, if it is a quote.
pub(super) fn quoted(event: &Recorded<DesignEvent>) -> Option<Change> {
    let DesignEvent::RequestQuoted(quoted) = &event.event else { return None };
    let [(_, total), (_, currency)] = amount(Money::new(quoted.amount, quoted.currency));
    Some(QUOTED.run([(&event.aggregate_id).into(), total, currency]))
}

/// What `event` says about where the request stands.
pub(super) fn values(event: &DesignEvent) -> Values {
    use DesignEvent as E;
    match event {
        E::RequestCreated(e) => vec![
            status(DesignStatus::Draft),
            payment_status(PaymentStatus::None),
            ("email", e.email.as_ref().and_then(Personal::known).map(|it| it.as_str()).into()),
            ("design_code", e.design_code.as_ref().map(|code| code.as_str()).into()),
            ("product_id", e.product_id.as_ref().map(|id| id.as_str()).into()),
            ("payment_attempts", 0_u32.into()),
        ],
        E::RequestSubmitted(e) => {
            vec![status(e.status), ("email", e.email.known().map(|it| it.as_str()).into())]
        }
        E::RequestCancelled(_) => vec![status(DesignStatus::Cancelled)],
        E::RequestQuoted(e) => amount(Money::new(e.amount, e.currency)).into(),
        E::PaymentIntentCreated(e) => paid(&e.report.payment),
        E::PaymentFailed(e) => paid(&e.report.payment),
        E::PaymentCancelled(e) => paid(&e.report.payment),
        E::PaymentSucceeded(e) => {
            let mut values = paid(&e.report.payment);
            values.push(status(e.status));
            values
        }
        E::DesignStarted(_) => vec![status(DesignStatus::InDesign)],
        E::DesignCompleted(_) => vec![status(DesignStatus::Completed)],
        E::AnswerVersioned(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::PersonalDataErased(_) => Vec::new(),
    }
}

fn paid(payment: &PaymentSummary) -> Values {
    let [total, currency] = amount(Money::new(payment.amount, payment.currency));
    vec![
        payment_status(payment.status),
        ("stripe_payment_intent_id", (&payment.intent_id).into()),
        total,
        currency,
        ("payment_attempts", payment.attempts.into()),
        ("last_payment_attempt_at", payment.last_attempt_at.into()),
    ]
}

fn status(status: DesignStatus) -> (&'static str, Value) {
    ("current_status", <&str>::from(status).into())
}

fn payment_status(status: PaymentStatus) -> (&'static str, Value) {
    ("current_payment_status", <&str>::from(status).into())
}

fn amount(money: Money) -> [(&'static str, Value); 2] {
    [("total_amount", major(money)), ("payment_currency", money.currency.as_str().into())]
}
