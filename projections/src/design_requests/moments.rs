//! Where each request stood after each of its events, so that it can be told of any time. A row is kept
//! where an event may change one; answers have their own history, and nobody changes that.

use domain::design::DesignEvent;
use kit::{
    Recorded,
    tables::{Change, Column, Param, Query, Statement, Table, Type},
};

use super::{answers, queries::joined, states};

/// `updated_at` is when the row came to be.
pub(super) const MOMENTS: Table = Table {
    name: "design_request_states_history",
    columns: &COLUMNS,
    key: &["request_id", "version"],
    indexes: &[],
};

const COLUMNS: [Column; 21] = joined([Column::int("version")], states::COLUMNS);

/// What stands in the row of the state, once an event has changed it.
pub(super) const KEEP: Statement = Statement {
    sql: "INSERT INTO {design_request_states_history} (version, id, request_id, current_status,
            current_payment_status, email, design_code, product_id, total_amount,
            stripe_payment_intent_id, payment_net_amount, payment_currency, payment_fee_amount,
            payment_failure_reason, payment_failure_code, payment_attempts,
            last_payment_attempt_at, payment_confirmed_at, payment_method, created_at, updated_at)
          SELECT $2, id, request_id, current_status, current_payment_status, email, design_code,
            product_id, total_amount, stripe_payment_intent_id, payment_net_amount,
            payment_currency, payment_fee_amount, payment_failure_reason, payment_failure_code,
            payment_attempts, last_payment_attempt_at, payment_confirmed_at, payment_method,
            created_at, updated_at
          FROM {design_request_states} WHERE request_id = $1",
    params: &[Type::Text, Type::Int],
};

/// Where a request stood at a time, or after an event: its last, if neither is given.
pub(super) const STATE_AT: Query = Query {
    name: "state-at",
    params: &[
        Param::text("request_id").key(),
        Param::time("at").or_none(),
        Param::int("version").or_none(),
    ],
    sql: "SELECT last.version, h.id, h.request_id, h.current_status, h.current_payment_status,
                 h.email, h.design_code, h.product_id, h.total_amount, h.stripe_payment_intent_id,
                 h.payment_net_amount, h.payment_currency, h.payment_fee_amount,
                 h.payment_failure_reason, h.payment_failure_code, h.payment_attempts,
                 h.last_payment_attempt_at, h.payment_confirmed_at, h.payment_method,
                 h.created_at, last.created_at AS updated_at
          FROM (SELECT version, created_at FROM {design_request_changes}
                WHERE request_id = $1 [at? AND created_at <= $2] [version? AND version <= $3]
                ORDER BY version DESC, place DESC LIMIT 1) AS last
          JOIN {design_request_states_history} AS h ON h.request_id = $1 AND h.version = (
            SELECT max(k.version) FROM {design_request_states_history} AS k
            WHERE k.request_id = $1 AND k.version <= last.version)",
    columns: &COLUMNS,
    order: &["version"],
};

/// The answers that were the current ones at a time.
pub(super) const ANSWERS_AT: Query = Query {
    name: "answers-at",
    params: &[
        Param::text("request_id").key(),
        Param::time("at"),
        Param::text("question_id").or_none(),
    ],
    sql: "SELECT a.id, a.request_id, a.question_id, a.answer_text, a.answer_file_url,
                 a.answer_options, a.version, a.created_at, a.created_by, TRUE AS is_current
          FROM {design_request_answers_history} AS a
          WHERE a.request_id = $1 [question_id? AND a.question_id = $3] AND a.version = (
            SELECT max(b.version) FROM {design_request_answers_history} AS b
            WHERE b.request_id = $1 AND b.question_id = a.question_id AND b.created_at <= $2)",
    columns: &answers::COLUMNS,
    // As for all answers.
    order: &["created_at", "question_id", "version"],
};

/// After all other changes of the event.
pub(super) fn change(event: &Recorded<DesignEvent>) -> Option<Change> {
    use DesignEvent as E;
    let version = || event.version.0.cast_signed();
    match &event.event {
        E::RequestCreated(_) => {
            let mut row = states::row(event);
            row.push(("version", version().into()));
            Some(MOMENTS.put(row))
        }
        E::RequestSubmitted(_)
        | E::RequestCancelled(_)
        | E::RequestQuoted(_)
        | E::PaymentIntentCreated(_)
        | E::PaymentSucceeded(_)
        | E::PaymentFailed(_)
        | E::PaymentCancelled(_)
        | E::PaymentFeesRecorded(_)
        | E::DesignStarted(_)
        | E::DesignCompleted(_) => Some(KEEP.run([(&event.aggregate_id).into(), version().into()])),
        // They leave the row as it is, but for when something last happened.
        E::AnswerVersioned(_)
        | E::PaymentHeld(_)
        | E::PaymentUnfit(_)
        | E::RefundRequested(_)
        | E::PersonalDataErased(_) => None,
    }
}
