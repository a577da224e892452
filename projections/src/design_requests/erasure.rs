//! What goes from the rows of a request when its personal data are erased: the same whether they were
//! readable when a row was written or not, so that a rebuild gives the same rows.
//! Not here: what is sealed in the log, and under which key.

use domain::design::DesignEvent;
use kit::{
    Recorded,
    tables::{Change, Statement, Type, Value},
};

/// What somebody gave is kept as it came, so that all of it may be personal.
pub(super) const EVENTS: Statement = Statement {
    sql: "UPDATE {design_request_events} SET event_data = $2, created_by = NULL, metadata = $2
          WHERE request_id = $1",
    params: &[Type::Text, Type::Json],
};

pub(super) const ANSWERS: Statement = Statement {
    sql: "UPDATE {design_request_answers_history} SET
            answer_text = NULL, answer_file_url = NULL, answer_options = NULL, created_by = NULL
          WHERE request_id = $1",
    params: &[Type::Text],
};

pub(super) const PAYMENTS: Statement = Statement {
    sql: "UPDATE {design_request_payments} SET failure_reason = NULL WHERE request_id = $1",
    params: &[Type::Text],
};

pub(super) const STATES: Statement = Statement {
    sql: "UPDATE {design_request_states} SET email = NULL, payment_failure_reason = NULL
          WHERE request_id = $1",
    params: &[Type::Text],
};

pub(super) const MOMENTS: Statement = Statement {
    sql: "UPDATE {design_request_states_history} SET email = NULL, payment_failure_reason = NULL
          WHERE request_id = $1",
    params: &[Type::Text],
};

/// That something was said stays known, and when.
pub(super) const CHANGES: Statement = Statement {
    sql: "UPDATE {design_request_changes} SET
            created_by = NULL,
            new_value = CASE
                WHEN field IN ('email', 'cancel_reason', 'payment_failure_reason')
                  OR field LIKE 'answers.%' THEN $2
                ELSE new_value END
          WHERE request_id = $1",
    params: &[Type::Text, Type::Json],
};

/// Before the rows of the event itself, which holds nothing personal.
pub(super) fn changes(event: &Recorded<DesignEvent>) -> Vec<Change> {
    let DesignEvent::PersonalDataErased(_) = &event.event else { return Vec::new() };
    let request = || Value::from(&event.aggregate_id);
    let json = |text: &str| Value::Json(text.to_owned());
    vec![
        EVENTS.run([request(), json("{}")]),
        ANSWERS.run([request()]),
        PAYMENTS.run([request()]),
        STATES.run([request()]),
        MOMENTS.run([request()]),
        CHANGES.run([request(), json(r#""[erased]""#)]),
    ]
}
