//! At which attempt payments succeed, and why others fail: by the month of the report. What comes late,
//! or is about a payment that does not count, is no attempt.

use domain::design::{DesignEvent, PaymentFailed, PaymentReport};
use kit::{
    Recorded,
    tables::{Change, Column, Param, Query, Statement, Table, Type, Value},
};

use super::{month, read_month, request, requests};

pub(super) const MONTHS: Table = Table {
    name: "design_attempt_months",
    columns: &[
        Column::text("month"),
        Column::int("attempt"),
        Column::int("failed"),
        Column::int("succeeded"),
    ],
    key: &["month", "attempt"],
    indexes: &[],
};

pub(super) const FAILURES: Table = Table {
    name: "design_failure_months",
    columns: &[Column::text("month"), Column::text("failure_code"), Column::int("failures")],
    key: &["month", "failure_code"],
    indexes: &[],
};

/// The end of the request's next attempt.
pub(super) const ATTEMPT: Statement = Statement {
    sql: "INSERT INTO {design_attempt_months} AS m (month, attempt, failed, succeeded)
          SELECT $2, r.failures + 1, $3, $4 FROM {design_pattern_requests} AS r
          WHERE r.request_id = $1 AND NOT r.paid
          ON CONFLICT (month, attempt) DO UPDATE SET failed = m.failed + excluded.failed,
            succeeded = m.succeeded + excluded.succeeded",
    params: &[Type::Text, Type::Text, Type::Int, Type::Int],
};

pub(super) const FAILURE: Statement = Statement {
    sql: "INSERT INTO {design_failure_months} AS m (month, failure_code, failures)
          SELECT $2, $3, 1 FROM {design_pattern_requests} AS r
          WHERE r.request_id = $1 AND NOT r.paid
          ON CONFLICT (month, failure_code) DO UPDATE SET failures = m.failures + 1",
    params: &[Type::Text, Type::Text, Type::Text],
};

/// How many requests came to a first attempt, to a second one, and so on, and how those ended.
pub(super) const QUERY: Query = Query {
    name: "attempts",
    params: &[
        Param::text("from_month").or_none().read_by(read_month),
        Param::text("to_month").or_none().read_by(read_month),
        Param::bool("by_month").or_none(),
    ],
    sql: "SELECT period, attempt, sum(failed) + sum(succeeded) AS tried, sum(failed) AS failed,
                 sum(succeeded) AS succeeded
          FROM (SELECT CASE WHEN $3 THEN month ELSE '' END AS period, attempt, failed, succeeded
                FROM {design_attempt_months}
                WHERE TRUE [from_month? AND month >= $1] [to_month? AND month <= $2]) AS chosen
          GROUP BY period, attempt",
    columns: &[
        // Blank for all of the time.
        Column::text("period"),
        Column::int("attempt"),
        Column::int("tried"),
        Column::int("failed"),
        Column::int("succeeded"),
    ],
    order: &["period", "attempt"],
};

/// Why attempts failed.
pub(super) const FAILURES_QUERY: Query = Query {
    name: "failures",
    params: &[
        Param::text("from_month").or_none().read_by(read_month),
        Param::text("to_month").or_none().read_by(read_month),
        Param::bool("by_month").or_none(),
    ],
    sql: "SELECT period, failure_code, sum(failures) AS failures
          FROM (SELECT CASE WHEN $3 THEN month ELSE '' END AS period, failure_code, failures
                FROM {design_failure_months}
                WHERE TRUE [from_month? AND month >= $1] [to_month? AND month <= $2]) AS chosen
          GROUP BY period, failure_code",
    columns: &[
        // Blank for all of the time.
        Column::text("period"),
        // Blank where none was reported.
        Column::text("failure_code"),
        Column::int("failures"),
    ],
    order: &["period", "failure_code"],
};

pub(super) fn failed(event: &Recorded<DesignEvent>, failed: &PaymentFailed) -> Vec<Change> {
    if failed.report.superseded {
        return Vec::new();
    }
    let code = failed.failure_code.as_ref().map_or("", |code| code.as_str());
    vec![
        FAILURE.run([request(event), month(event.time), code.into()]),
        attempt(event, 1_u32, 0_u32),
        requests::FAIL.run([request(event)]),
    ]
}

pub(super) fn succeeded(event: &Recorded<DesignEvent>, report: &PaymentReport) -> Vec<Change> {
    if report.superseded {
        return Vec::new();
    }
    vec![attempt(event, 0_u32, 1_u32), requests::PAY.run([request(event)])]
}

fn attempt(
    event: &Recorded<DesignEvent>,
    failed: impl Into<Value>,
    succeeded: impl Into<Value>,
) -> Change {
    ATTEMPT.run([request(event), month(event.time), failed.into(), succeeded.into()])
}
