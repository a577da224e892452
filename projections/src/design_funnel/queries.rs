//! What may be asked about the way of design requests.

use kit::tables::{Column, Param, Query, Value};

/// What both may be asked about.
const PARAMS: [Param; 5] = [
    Param::time("from").or_none(),
    Param::time("to").or_none(),
    Param::text("product_id").or_none(),
    Param::text("period").or_none().read_by(period),
    Param::bool("by_product").or_none(),
];

/// `$columns` of the newest hundred thousand requests that are asked about, with the period and the product
/// under which each counts.
macro_rules! chosen {
    ($columns:literal) => {
        concat!(
            "SELECT CASE $4 WHEN 'day' THEN created_day WHEN 'month' THEN created_month ELSE '' END
                      AS period,
                    CASE WHEN $5 THEN coalesce(product_id, '') ELSE '' END AS product_id, ",
            $columns,
            " FROM {design_request_steps}
              WHERE TRUE [from? AND created_at >= $1] [to? AND created_at < $2]
                [product_id? AND product_id = $3]
              ORDER BY created_at DESC LIMIT 100000"
        )
    };
}

/// How long each request waited for the step at `$place`, by the length of the wait.
macro_rules! waits {
    ($place:literal, $wait:literal) => {
        concat!(
            "SELECT period, product_id, ",
            $place,
            " AS place, ",
            $wait,
            " AS wait,
                    row_number() OVER (PARTITION BY period, product_id ORDER BY ",
            $wait,
            ") AS nth,
                    count(*) OVER (PARTITION BY period, product_id) AS waits
             FROM chosen WHERE ",
            $wait,
            " IS NOT NULL"
        )
    };
}

/// How many reached each step, which share of those before, and the median of the time between. A
/// step that was reached before the one that should precede it took no time. Of more than a hundred
/// thousand requests the newest of the period are looked at: medians need each of them.
pub(super) const STEPS: Query = Query {
    name: "steps",
    params: &PARAMS,
    sql: concat!(
        "WITH chosen AS (",
        chosen!(
            "submitted_at, intent_at, paid_at, started_at, completed_at,
             submitted_at - created_at AS to_submitted, intent_at - submitted_at AS to_intent,
             paid_at - intent_at AS to_paid, started_at - paid_at AS to_started,
             completed_at - started_at AS to_completed"
        ),
        "), ranked AS (",
        waits!("2", "to_submitted"),
        " UNION ALL ",
        waits!("3", "to_intent"),
        " UNION ALL ",
        waits!("4", "to_paid"),
        " UNION ALL ",
        waits!("5", "to_started"),
        " UNION ALL ",
        waits!("6", "to_completed"),
        "), medians AS (
            SELECT period, product_id, place, max(waits) AS went_on,
                   avg(CASE WHEN wait > 0 THEN wait ELSE 0 END) / 1000000.0 AS seconds
            FROM ranked WHERE nth IN ((waits + 1) / 2, (waits + 2) / 2)
            GROUP BY period, product_id, place
          ), counted AS (
            SELECT period, product_id, count(*) AS created, count(submitted_at) AS submitted,
                   count(intent_at) AS intent, count(paid_at) AS paid, count(started_at) AS started,
                   count(completed_at) AS completed
            FROM chosen GROUP BY period, product_id
          ), steps AS (
            SELECT period, product_id, 1 AS place, 'created' AS step, created AS requests,
                   0 AS candidates FROM counted
            UNION ALL SELECT period, product_id, 2, 'submitted', submitted, created FROM counted
            UNION ALL SELECT period, product_id, 3, 'intent', intent, submitted FROM counted
            UNION ALL SELECT period, product_id, 4, 'paid', paid, intent FROM counted
            UNION ALL SELECT period, product_id, 5, 'started', started, paid FROM counted
            UNION ALL SELECT period, product_id, 6, 'completed', completed, started FROM counted
          )
          SELECT s.period, s.product_id, s.place, s.step, s.requests,
                 CASE WHEN s.candidates > 0 THEN coalesce(m.went_on, 0) * 1.0 / s.candidates END
                   AS conversion,
                 m.seconds AS median_seconds
          FROM steps AS s LEFT JOIN medians AS m
            ON m.period = s.period AND m.product_id = s.product_id AND m.place = s.place"
    ),
    columns: &[
        // A day or a month; blank for all of the time.
        Column::text("period"),
        // Blank for all, and for requests without one.
        Column::text("product_id"),
        Column::int("place"),
        Column::text("step"),
        Column::int("requests"),
        Column::float("conversion").or_null(),
        Column::float("median_seconds").or_null(),
    ],
    order: &["period", "product_id", "place"],
};

/// How far requests have come that did not go further, and how many of them are cancelled: of the newest
/// hundred thousand of the period.
pub(super) const DROP_OFF: Query = Query {
    name: "drop-off",
    params: &PARAMS,
    sql: concat!(
        "SELECT period, product_id, place,
                CASE place WHEN 1 THEN 'created' WHEN 2 THEN 'submitted' WHEN 3 THEN 'intent'
                  WHEN 4 THEN 'paid' WHEN 5 THEN 'started' ELSE 'completed' END AS step,
                count(*) AS requests, count(cancelled_at) AS cancelled, max(reached_at) AS latest
         FROM (",
        chosen!(
            "CASE WHEN completed_at IS NOT NULL THEN 6 WHEN started_at IS NOT NULL THEN 5
               WHEN paid_at IS NOT NULL THEN 4 WHEN intent_at IS NOT NULL THEN 3
               WHEN submitted_at IS NOT NULL THEN 2 ELSE 1 END AS place,
             coalesce(completed_at, started_at, paid_at, intent_at, submitted_at, created_at)
               AS reached_at,
             cancelled_at"
        ),
        ") AS chosen GROUP BY period, product_id, place"
    ),
    columns: &[
        // A day or a month; blank for all of the time.
        Column::text("period"),
        // Blank for all, and for requests without one.
        Column::text("product_id"),
        Column::int("place"),
        Column::text("step"),
        // Those for which it is the last step so far; completed ones have no further one.
        Column::int("requests"),
        Column::int("cancelled"),
        // When one of them came there last.
        Column::time("latest"),
    ],
    order: &["period", "product_id", "place"],
};

fn period(word: &str) -> Result<Value, String> {
    if ["day", "month"].contains(&word) {
        return Ok(word.into());
    }
    Err("expected day or month".to_owned())
}
