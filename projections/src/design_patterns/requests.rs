//! What has to be known of each request to count what happens to it next. Nobody asks for it.

use domain::design::{DesignEvent, DesignStatus};
use kit::{
    Recorded,
    tables::{Change, Column, Statement, Table, Type},
};

use super::{month, request};

pub(super) const REQUESTS: Table = Table {
    name: "design_pattern_requests",
    columns: &[
        Column::text("request_id"),
        Column::text("status"),
        Column::time("since"),
        Column::text("since_month"),
        // Attempts to pay that failed before one succeeded.
        Column::int("failures"),
        Column::bool("paid"),
    ],
    key: &["request_id"],
    indexes: &[],
};

pub(super) const MOVE: Statement = Statement {
    sql: "UPDATE {design_pattern_requests} SET status = $2, since = $3, since_month = $4
          WHERE request_id = $1 AND status <> $2",
    params: &[Type::Text, Type::Text, Type::Time, Type::Text],
};

pub(super) const FAIL: Statement = Statement {
    sql: "UPDATE {design_pattern_requests} SET failures = failures + 1
          WHERE request_id = $1 AND NOT paid",
    params: &[Type::Text],
};

pub(super) const PAY: Statement = Statement {
    sql: "UPDATE {design_pattern_requests} SET paid = TRUE WHERE request_id = $1",
    params: &[Type::Text],
};

pub(super) fn begin(event: &Recorded<DesignEvent>) -> Change {
    REQUESTS.put([
        ("request_id", request(event)),
        ("status", <&str>::from(DesignStatus::Draft).into()),
        ("since", event.time.into()),
        ("since_month", month(event.time)),
        ("failures", 0_u32.into()),
        ("paid", false.into()),
    ])
}
