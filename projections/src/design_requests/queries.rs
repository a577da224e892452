//! What may be asked about design requests.

use kit::tables::{Column, Param, Query, View};

use super::{answers, events, states};

/// Where each request stands, and the product beside it: the price is that in the currency in which
/// it is paid.
macro_rules! current_state {
    () => {
        "SELECT s.id, s.request_id, s.current_status, s.current_payment_status, s.email,
                s.design_code, s.product_id, s.total_amount, s.stripe_payment_intent_id,
                s.payment_net_amount, s.payment_currency, s.payment_fee_amount,
                s.payment_failure_reason, s.payment_failure_code, s.payment_attempts,
                s.last_payment_attempt_at, s.payment_confirmed_at, s.payment_method,
                s.created_at, s.updated_at, p.name AS product_name,
                p.description AS product_description, p.active AS product_active,
                c.price AS product_price
         FROM {design_request_states} AS s
         LEFT JOIN {products} AS p ON p.product_id = s.product_id
         LEFT JOIN {product_prices} AS c
           ON c.product_id = s.product_id AND c.currency = s.payment_currency"
    };
}

const CURRENT_STATE_COLUMNS: [Column; 24] = joined(
    states::COLUMNS,
    [
        Column::text("product_name").or_null(),
        Column::text("product_description").or_null(),
        Column::bool("product_active").or_null(),
        Column::decimal("product_price").or_null(),
    ],
);

/// The columns of the one, and then those of the other.
pub(super) const fn joined<const A: usize, const B: usize, const C: usize>(
    first: [Column; A],
    then: [Column; B],
) -> [Column; C] {
    assert!(A + B == C);
    let (mut all, mut at) = ([first[0]; C], 0);
    while at < C {
        all[at] = if at < A { first[at] } else { then[at - A] };
        at += 1;
    }
    all
}

/// The same by its name, for other programs.
pub(super) const CURRENT_STATE_VIEW: View = View {
    name: "design_requests_current_state",
    sql: current_state!(),
    columns: &CURRENT_STATE_COLUMNS,
};

/// One request.
pub(super) const CURRENT_STATE: Query = Query {
    name: "current-state",
    params: &[Param::text("request_id").key()],
    sql: concat!(current_state!(), " WHERE s.request_id = $1"),
    columns: &CURRENT_STATE_COLUMNS,
    order: &["created_at", "request_id"],
};

/// Requests by what they have in common, in the order in which they were created.
pub(super) const STATES: Query = Query {
    name: "states",
    params: &[
        Param::text("request_id").or_none(),
        Param::text("email").or_none(),
        Param::text("current_status").or_none(),
        Param::text("current_payment_status").or_none(),
        Param::text("design_code").or_none(),
        Param::text("product_id").or_none(),
        Param::text("stripe_payment_intent_id").or_none(),
    ],
    sql: concat!(
        current_state!(),
        " WHERE TRUE [request_id? AND s.request_id = $1] [email? AND s.email = $2]
            [current_status? AND s.current_status = $3]
            [current_payment_status? AND s.current_payment_status = $4]
            [design_code? AND s.design_code = $5] [product_id? AND s.product_id = $6]
            [stripe_payment_intent_id? AND s.stripe_payment_intent_id = $7]"
    ),
    columns: &CURRENT_STATE_COLUMNS,
    order: &["created_at", "request_id"],
};

/// What has happened to one request.
pub(super) const EVENTS: Query = Query {
    name: "events",
    params: &[Param::text("request_id").key(), Param::text("event_type").or_none()],
    sql: "SELECT id, request_id, event_type, event_data, created_at, created_by, metadata
          FROM {design_request_events}
          WHERE request_id = $1 AND ($2 IS NULL OR event_type = $2)",
    columns: &events::COLUMNS,
    order: &["created_at", "id"],
};

/// The answers to one request's questions: all that were ever given, or the current ones.
pub(super) const ANSWERS: Query = Query {
    name: "answers",
    params: &[
        Param::text("request_id").key(),
        Param::bool("is_current").or_none(),
        Param::text("question_id").or_none(),
    ],
    sql: "SELECT id, request_id, question_id, answer_text, answer_file_url, answer_options,
                 version, created_at, created_by, is_current
          FROM {design_request_answers_history}
          WHERE request_id = $1 AND ($2 IS NULL OR is_current = $2)
            AND ($3 IS NULL OR question_id = $3)",
    columns: &answers::COLUMNS,
    // Answers that come at once have one time, and ids in any order.
    order: &["created_at", "question_id", "version"],
};

/// What can be asked for, each with its prices.
pub(super) const PRODUCTS: Query = Query {
    name: "products",
    params: &[
        Param::text("product_id").or_none(),
        Param::text("currency").or_none(),
        Param::bool("active").or_none(),
    ],
    sql:
        "SELECT p.product_id, p.name, p.description, p.active, coalesce(c.currency, '') AS currency,
                 c.price, c.price_minor, p.created_at, p.updated_at
          FROM {products} AS p LEFT JOIN {product_prices} AS c ON c.product_id = p.product_id
          WHERE ($1 IS NULL OR p.product_id = $1) AND ($2 IS NULL OR c.currency = $2)
            AND ($3 IS NULL OR p.active = $3)",
    columns: &[
        Column::text("product_id"),
        Column::text("name"),
        Column::text("description").or_null(),
        Column::bool("active"),
        // Blank if it has no price.
        Column::text("currency"),
        Column::decimal("price").or_null(),
        Column::int("price_minor").or_null(),
        Column::time("created_at"),
        Column::time("updated_at"),
    ],
    order: &["product_id", "currency"],
};
