//! What may be asked about Stripe's events and about money that is to be given back.

use kit::tables::{Column, Param, Query};

const COLUMNS: [Column; 11] = [
    Column::text("id"),
    // Nothing for what was told without an event of Stripe.
    Column::text("event_type").or_null(),
    Column::text("intent_id").or_null(),
    Column::text("request_id").or_null(),
    Column::decimal("amount").or_null(),
    Column::text("currency").or_null(),
    Column::text("status"),
    Column::text("code").or_null(),
    Column::text("detail").or_null(),
    Column::bool("is_money"),
    Column::time("created"),
];

/// The columns, and whatever of the events follows.
macro_rules! reports {
    ($where:literal) => {
        concat!(
            "SELECT id, event_type, intent_id, request_id, amount, currency, status, code, detail,
                    is_money, created
             FROM {stripe_inbox} WHERE ",
            $where
        )
    };
}

/// What has come, and what became of it.
pub(super) const EVENTS: Query = Query {
    name: "events",
    params: &[
        Param::text("id").or_none(),
        Param::text("status").or_none(),
        Param::text("event_type").or_none(),
        Param::text("request_id").or_none(),
        Param::text("intent_id").or_none(),
        Param::time("from").or_none(),
        Param::time("to").or_none(),
    ],
    sql: reports!(
        "TRUE [id? AND id = $1] [status? AND status = $2] [event_type? AND event_type = $3]
           [request_id? AND request_id = $4] [intent_id? AND intent_id = $5]
           [from? AND created >= $6] [to? AND created < $7]"
    ),
    columns: &COLUMNS,
    order: &["created", "id"],
};

/// Money that has come and that no request counts as its payment: on its way (`received`), waiting for a
/// quote (`held`), or not what was to be paid (`set-aside`).
pub(super) const UNACCOUNTED: Query = Query {
    name: "unaccounted",
    params: &[Param::text("currency").or_none(), Param::time("to").or_none()],
    sql: reports!(
        "status IN ('held', 'received', 'set-aside') AND is_money
           [currency? AND currency = $1] [to? AND created < $2]"
    ),
    columns: &COLUMNS,
    order: &["created", "id"],
};

/// Money that is to be given back: that of cancelled requests, what was paid twice, and what is not what
/// was quoted.
pub(super) const REFUNDS_DUE: Query = Query {
    name: "refunds-due",
    params: &[Param::text("request_id").or_none(), Param::text("currency").or_none()],
    sql: "SELECT * FROM (
            SELECT request_id, intent_id, '' AS event_id, amount, currency, reason, since
            FROM {refunds_due}
            UNION ALL
            SELECT request_id, intent_id, id, amount, currency, code, created
            FROM {stripe_inbox} WHERE status = 'set-aside' AND told = 'set-aside') AS due
          WHERE TRUE [request_id? AND request_id = $1] [currency? AND currency = $2]",
    columns: &[
        Column::text("request_id"),
        Column::text("intent_id"),
        // Blank for what a request asks back itself.
        Column::text("event_id"),
        Column::decimal("amount"),
        Column::text("currency"),
        Column::text("reason"),
        Column::time("since"),
    ],
    order: &["since", "request_id", "intent_id", "event_id"],
};

/// How many payments there are of each, and how much they come to: `refund-due` is what `refunds-due` lists,
/// and what is set aside by a request is counted as both.
pub(super) const TOTALS: Query = Query {
    name: "totals",
    params: &[],
    sql: "SELECT what, currency, count(*) AS payments, sum(amount_minor) AS amount_minor FROM (
            SELECT status AS what, coalesce(currency, '') AS currency, amount_minor
            FROM {stripe_inbox}
            WHERE status IN ('held', 'received', 'set-aside') AND is_money
            UNION ALL
            SELECT 'refund-due', currency, amount_minor FROM {refunds_due}
            UNION ALL
            SELECT 'refund-due', coalesce(currency, ''), amount_minor
            FROM {stripe_inbox} WHERE status = 'set-aside' AND told = 'set-aside') AS all_of_it
          GROUP BY what, currency",
    columns: &[
        // held, received, set-aside or refund-due.
        Column::text("what"),
        // Blank if the event does not say it.
        Column::text("currency"),
        Column::int("payments"),
        Column::int("amount_minor").or_null(),
    ],
    order: &["what", "currency"],
};
