//! What may be asked about the way of design requests.

use kit::tables::{Column, Param, Query, Value};

/// How many reached each step, which share of those before, and the median of the time between. A
/// step that was reached before the one that should precede it took no time.
pub(super) const STEPS: Query = Query {
    name: "steps",
    params: &[
        Param::time("from").or_none(),
        Param::time("to").or_none(),
        Param::text("product_id").or_none(),
        Param::text("period").or_none().read_by(period),
        Param::bool("by_product").or_none(),
    ],
    sql: "WITH chosen AS (
            SELECT CASE $4 WHEN 'day' THEN created_day WHEN 'month' THEN created_month ELSE '' END
                     AS period,
                   CASE WHEN $5 THEN coalesce(product_id, '') ELSE '' END AS product_id,
                   created_at, submitted_at, intent_at, paid_at, started_at, completed_at
            FROM {design_request_steps}
            WHERE ($1 IS NULL OR created_at >= $1) AND ($2 IS NULL OR created_at < $2)
              AND ($3 IS NULL OR product_id = $3)
          ), steps AS (
            SELECT period, product_id, 1 AS place, 'created' AS step,
                   created_at AS since, created_at AS reached FROM chosen
            UNION ALL SELECT period, product_id, 2, 'submitted', created_at, submitted_at FROM chosen
            UNION ALL SELECT period, product_id, 3, 'intent', submitted_at, intent_at FROM chosen
            UNION ALL SELECT period, product_id, 4, 'paid', intent_at, paid_at FROM chosen
            UNION ALL SELECT period, product_id, 5, 'started', paid_at, started_at FROM chosen
            UNION ALL SELECT period, product_id, 6, 'completed', started_at, completed_at FROM chosen
          ), ranked AS (
            SELECT period, product_id, place, wait,
                   row_number() OVER (PARTITION BY period, product_id, place ORDER BY wait) AS nth,
                   count(*) OVER (PARTITION BY period, product_id, place) AS waits
            FROM (SELECT period, product_id, place,
                         CASE WHEN reached > since THEN reached - since ELSE 0 END AS wait
                  FROM steps WHERE place > 1 AND since IS NOT NULL AND reached IS NOT NULL) AS w
          ), medians AS (
            SELECT period, product_id, place, avg(wait) / 1000000.0 AS seconds
            FROM ranked WHERE nth IN ((waits + 1) / 2, (waits + 2) / 2)
            GROUP BY period, product_id, place
          ), counted AS (
            SELECT period, product_id, place, step, count(reached) AS requests,
                   count(since) AS candidates,
                   sum(CASE WHEN since IS NOT NULL AND reached IS NOT NULL THEN 1 ELSE 0 END)
                     AS went_on
            FROM steps GROUP BY period, product_id, place, step
          )
          SELECT c.period, c.product_id, c.place, c.step, c.requests,
                 CASE WHEN c.place > 1 AND c.candidates > 0
                   THEN c.went_on * 1.0 / c.candidates END AS conversion,
                 m.seconds AS median_seconds
          FROM counted AS c LEFT JOIN medians AS m
            ON m.period = c.period AND m.product_id = c.product_id AND m.place = c.place",
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

fn period(word: &str) -> Result<Value, String> {
    if ["day", "month"].contains(&word) {
        return Ok(word.into());
    }
    Err("expected day or month".to_owned())
}
