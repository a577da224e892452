//! How long requests stand in each status, how many stay there, and how many are cancelled from it: by
//! the month in which they came there.

use domain::design::{DesignEvent, DesignStatus};
use kit::{
    Recorded,
    tables::{Change, Column, Param, Query, Statement, Table, Type},
};

use super::{month, read_month, request, requests};

pub(super) const MONTHS: Table = Table {
    name: "design_status_months",
    columns: &[
        Column::text("month"),
        Column::text("status"),
        Column::int("entered"),
        Column::int("went_on"),
        Column::int("cancelled"),
        Column::int("micros"),
        Column::int("longest"),
        Column::int("within_hour"),
        Column::int("within_day"),
        Column::int("within_week"),
    ],
    key: &["month", "status"],
    indexes: &[],
};

/// A request that is new.
pub(super) const ENTER: Statement = Statement {
    sql: "INSERT INTO {design_status_months} AS m (month, status, entered, went_on, cancelled, micros,
            longest, within_hour, within_day, within_week)
          VALUES ($1, $2, 1, 0, 0, 0, 0, 0, 0, 0)
          ON CONFLICT (month, status) DO UPDATE SET entered = m.entered + 1",
    params: &[Type::Text, Type::Text],
};

/// A request that comes from another status.
pub(super) const ARRIVE: Statement = Statement {
    sql: "INSERT INTO {design_status_months} AS m (month, status, entered, went_on, cancelled, micros,
            longest, within_hour, within_day, within_week)
          SELECT $3, $2, 1, 0, 0, 0, 0, 0, 0, 0 FROM {design_pattern_requests} AS r
          WHERE r.request_id = $1 AND r.status <> $2
          ON CONFLICT (month, status) DO UPDATE SET entered = m.entered + 1",
    params: &[Type::Text, Type::Text, Type::Text],
};

/// The same where it comes from. Clocks of instances may differ: no wait is less than none.
pub(super) const LEAVE: Statement = Statement {
    sql: "UPDATE {design_status_months} AS m SET
            went_on = m.went_on + 1,
            cancelled = m.cancelled + CASE WHEN $2 = 'CANCELLED' THEN 1 ELSE 0 END,
            micros = m.micros + w.micros,
            longest = CASE WHEN w.micros > m.longest THEN w.micros ELSE m.longest END,
            within_hour = m.within_hour + CASE WHEN w.micros < 3600000000 THEN 1 ELSE 0 END,
            within_day = m.within_day + CASE WHEN w.micros < 86400000000 THEN 1 ELSE 0 END,
            within_week = m.within_week + CASE WHEN w.micros < 604800000000 THEN 1 ELSE 0 END
          FROM (SELECT r.since_month, r.status, CASE WHEN $3 > r.since THEN $3 - r.since ELSE 0 END
                  AS micros
                FROM {design_pattern_requests} AS r
                WHERE r.request_id = $1 AND r.status <> $2) AS w
          WHERE m.month = w.since_month AND m.status = w.status",
    params: &[Type::Text, Type::Text, Type::Time],
};

/// How many came to each status, went on from there, and are still there.
pub(super) const QUERY: Query = Query {
    name: "statuses",
    params: &[
        Param::text("from_month").or_none().read_by(read_month),
        Param::text("to_month").or_none().read_by(read_month),
        Param::bool("by_month").or_none(),
    ],
    sql: "SELECT period, place, status, sum(entered) AS entered, sum(went_on) AS went_on,
                 sum(cancelled) AS cancelled, sum(entered) - sum(went_on) AS here,
                 CASE WHEN sum(went_on) > 0 THEN sum(micros) / 1000000.0 / sum(went_on) END
                   AS mean_seconds,
                 CASE WHEN sum(went_on) > 0 THEN max(longest) / 1000000.0 END AS longest_seconds,
                 sum(within_hour) AS within_hour, sum(within_day) AS within_day,
                 sum(within_week) AS within_week
          FROM (SELECT CASE WHEN $3 THEN month ELSE '' END AS period,
                       CASE status WHEN 'DRAFT' THEN 1 WHEN 'SUBMITTED' THEN 2 WHEN 'PAID' THEN 3
                         WHEN 'IN_DESIGN' THEN 4 WHEN 'COMPLETED' THEN 5 ELSE 6 END AS place,
                       status, entered, went_on, cancelled, micros, longest, within_hour, within_day,
                       within_week
                FROM {design_status_months}
                WHERE TRUE [from_month? AND month >= $1] [to_month? AND month <= $2]) AS chosen
          GROUP BY period, place, status",
    columns: &[
        // Blank for all of the time.
        Column::text("period"),
        Column::int("place"),
        Column::text("status"),
        Column::int("entered"),
        Column::int("went_on"),
        Column::int("cancelled"),
        Column::int("here"),
        Column::float("mean_seconds").or_null(),
        Column::float("longest_seconds").or_null(),
        // Of those that went on.
        Column::int("within_hour"),
        Column::int("within_day"),
        Column::int("within_week"),
    ],
    order: &["period", "place"],
};

pub(super) fn enter(event: &Recorded<DesignEvent>) -> Change {
    ENTER.run([month(event.time), <&str>::from(DesignStatus::Draft).into()])
}

/// The request stands in `status` from now on; nothing, if it has done so before.
pub(super) fn change(event: &Recorded<DesignEvent>, status: DesignStatus) -> Vec<Change> {
    let status = || <&str>::from(status).into();
    let (request, now, month) = (|| request(event), || event.time.into(), || month(event.time));
    vec![
        LEAVE.run([request(), status(), now()]),
        ARRIVE.run([request(), status(), month()]),
        requests::MOVE.run([request(), status(), now(), month()]),
    ]
}
