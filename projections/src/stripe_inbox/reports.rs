//! Each event of Stripe: what it says, and where it ended. What a request says of it outweighs what the
//! inbox does: money that a request has recorded is accounted for, whatever kept it out before.

use domain::{
    design::{DesignEvent, HeldPayment, PaymentFact, PaymentReport},
    money::Money,
    stripe_event::{Glimpse, StripeEventEvent, StripeEventReceived, fact_of},
    values::{Reason, Text},
};
use kit::{
    AggregateId, PartId,
    tables::{Change, Column, Statement, Table, Type, Value},
};

use crate::money::major;

pub(super) const REPORTS: Table = Table {
    name: "stripe_inbox",
    columns: &COLUMNS,
    key: &["id"],
    indexes: &[
        &["created", "id"],
        &["status", "created", "id"],
        &["request_id", "created", "id"],
        &["intent_id", "created", "id"],
    ],
};

const COLUMNS: [Column; 13] = [
    // Stripe's; of what was told without one: the request, the payment and the second.
    Column::text("id"),
    Column::text("event_type").or_null(),
    // received, ignored, held, set-aside or recorded.
    Column::text("status"),
    // What a request said last: held, set-aside or recorded.
    Column::text("told").or_null(),
    // Whether it tells that money has come.
    Column::bool("is_money"),
    Column::text("code").or_null(),
    Column::text("detail").or_null(),
    Column::text("intent_id").or_null(),
    Column::text("request_id").or_null(),
    Column::decimal("amount").or_null(),
    // To add up.
    Column::int("amount_minor").or_null(),
    Column::text("currency").or_null(),
    // By the provider's clock.
    Column::time("created"),
];

/// It is here. A request may have told of it before, if the inbox's own event waited among the dead
/// letters.
pub(super) const COME: Statement = Statement {
    sql: "INSERT INTO {stripe_inbox} (id, event_type, status, is_money, created, intent_id,
            request_id, amount, amount_minor, currency)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
          ON CONFLICT (id) DO UPDATE SET
            event_type = excluded.event_type, is_money = excluded.is_money,
            created = excluded.created",
    params: &[
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bool,
        Type::Time,
        Type::Text,
        Type::Text,
        Type::Decimal,
        Type::Int,
        Type::Text,
    ],
};

/// A request says what it made of it.
pub(super) const TOLD: Statement = Statement {
    sql: "INSERT INTO {stripe_inbox} (id, status, told, is_money, created, intent_id, request_id,
            amount, amount_minor, currency, code, detail)
          VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
          ON CONFLICT (id) DO UPDATE SET
            status = excluded.status, told = excluded.told, intent_id = excluded.intent_id,
            request_id = excluded.request_id, amount = excluded.amount,
            amount_minor = excluded.amount_minor, currency = excluded.currency,
            code = excluded.code, detail = excluded.detail",
    params: &[
        Type::Text,
        Type::Text,
        Type::Bool,
        Type::Time,
        Type::Text,
        Type::Text,
        Type::Decimal,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Text,
    ],
};

/// What was told without an event of Stripe has one now, under whose id it stands.
pub(super) const NAMED: Statement = Statement {
    sql: "DELETE FROM {stripe_inbox}
          WHERE request_id = $1 AND intent_id = $2 AND amount_minor = $3 AND currency = $4
            AND id LIKE '%/%' AND told <> 'recorded'",
    params: &[Type::Text, Type::Text, Type::Int, Type::Text],
};

pub(super) const SET_ASIDE: Statement = Statement {
    sql: "UPDATE {stripe_inbox} SET status = 'set-aside', code = $2, detail = $3
          WHERE id = $1 AND (told IS NULL OR told <> 'recorded')",
    params: &[Type::Text, Type::Text, Type::Text],
};

/// What only the event itself said goes with it, as a rebuild could not read it any more.
pub(super) const ERASED: Statement = Statement {
    sql: "UPDATE {stripe_inbox} SET intent_id = NULL, request_id = NULL, amount = NULL,
            amount_minor = NULL, currency = NULL
          WHERE id = $1 AND told IS NULL",
    params: &[Type::Text],
};

/// What the inbox says.
pub(super) fn come(id: &AggregateId, event: &StripeEventEvent) -> Vec<Change> {
    use StripeEventEvent as E;
    vec![match event {
        E::StripeEventReceived(e) => received(id, e),
        E::StripeEventIgnored(e) => {
            let mut row = vec![id.into(), e.kind.as_str().into(), "ignored".into()];
            row.extend([false.into(), e.created.into()]);
            row.extend(NOTHING);
            COME.run(row)
        }
        E::StripeEventSetAside(e) => {
            SET_ASIDE.run([id.into(), e.code.as_str().into(), e.detail.as_str().into()])
        }
        E::StripeEventErased(_) => ERASED.run([id.into()]),
    }]
}

fn received(id: &AggregateId, received: &StripeEventReceived) -> Change {
    let fact = fact_of(received.kind.as_str());
    let known = fact.zip(received.payload.known());
    let glimpse = known.and_then(|(fact, payload)| Glimpse::of(payload, fact));
    let is_money = fact == Some(PaymentFact::Succeeded);
    let mut row = vec![id.into(), received.kind.as_str().into(), "received".into()];
    row.extend([is_money.into(), received.created.into()]);
    row.extend(match &glimpse {
        Some(it) => about(&it.id, it.request_id.as_ref(), it.money),
        None => NOTHING,
    });
    COME.run(row)
}

/// What a request says.
pub(super) fn told(request: &AggregateId, event: &DesignEvent) -> Vec<Change> {
    use DesignEvent as E;
    let change = match event {
        E::PaymentIntentCreated(e) => recorded(request, &e.report, false),
        E::PaymentFailed(e) => recorded(request, &e.report, false),
        E::PaymentCancelled(e) => recorded(request, &e.report, false),
        E::PaymentSucceeded(e) => recorded(request, &e.report, true),
        E::PaymentHeld(e) => return aside(request, &e.held, None),
        E::PaymentUnfit(e) => return aside(request, &e.held, Some((&e.code, &e.detail))),
        E::RequestCreated(_)
        | E::AnswerVersioned(_)
        | E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::PaymentFeesRecorded(_)
        | E::RefundRequested(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_)
        | E::PersonalDataErased(_) => None,
    };
    change.into_iter().collect()
}

fn recorded(request: &AggregateId, report: &PaymentReport, is_money: bool) -> Option<Change> {
    let Some(event) = &report.stripe_event_id else {
        let id = unnamed(request, &report.intent_id, report.at.timestamp());
        let values = [("status", "recorded".into()), ("told", "recorded".into())];
        let values = [&values[..], &[("code", Value::Null), ("detail", Value::Null)]].concat();
        return is_money.then(|| REPORTS.set([id], values));
    };
    let mut row = vec![event.into(), "recorded".into(), is_money.into(), report.at.into()];
    row.extend(about(&report.intent_id, Some(request), Some(report.money())));
    row.extend([Value::Null, Value::Null]);
    Some(TOLD.run(row))
}

/// Money that pays for nothing, and why if that is known.
fn aside(
    request: &AggregateId,
    held: &HeldPayment,
    why: Option<(&Text<100>, &Reason)>,
) -> Vec<Change> {
    let named = held.stripe_event_id.as_ref().map(|_| {
        let (intent, currency) = (Value::from(&held.intent_id), held.currency.as_str().into());
        NAMED.run([request.into(), intent, held.amount.into(), currency])
    });
    let event = held.stripe_event_id.as_ref().map(Value::from);
    let id = event.unwrap_or_else(|| unnamed(request, &held.intent_id, held.at.timestamp()));
    let status = if why.is_some() { "set-aside" } else { "held" };
    let mut row = vec![id, status.into(), true.into(), held.at.into()];
    row.extend(about(&held.intent_id, Some(request), Some(held.money())));
    row.extend([
        why.map(|(code, _)| code.as_str()).into(),
        why.map(|(_, detail)| detail.as_str()).into(),
    ]);
    named.into_iter().chain([TOLD.run(row)]).collect()
}

/// The id of money that was told without an event of Stripe. No id of Stripe's has a slash.
fn unnamed(request: &AggregateId, intent: &PartId, second: i64) -> Value {
    format!("{request}/{intent}/{second}").into()
}

/// What an event says that is not about a payment.
const NOTHING: [Value; 5] = [const { Value::Null }; 5];

/// The payment, the request and the money, in the order of the columns.
fn about(intent: &PartId, request: Option<&AggregateId>, money: Option<Money>) -> [Value; 5] {
    [
        intent.into(),
        request.into(),
        money.map(major).into(),
        money.map(|money| money.amount).into(),
        money.as_ref().map(|money| money.currency.as_str()).into(),
    ]
}
