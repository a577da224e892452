//! How many requests get how far, counted by the database.

use serde_json::{Value, json};

use super::{asked, report, requests, send};
use crate::handlers::world::{World, with_every_store};

async fn steps(
    world: &World,
    handlers: &infrastructure::handler::Handlers,
    params: Value,
) -> Value {
    let rows = asked("design-funnel", world, handlers, "steps", params).await;
    let told = |row: &Value| {
        json!(
            ["period", "product_id", "step", "requests", "conversion", "median_seconds"]
                .map(|column| row[column].clone())
        )
    };
    rows.iter().map(told).collect()
}

/// Minutes after the beginning of January 2026, in the tables' microseconds.
macro_rules! row {
    ($id:literal, $product:literal, $day:literal, $times:literal) => {
        concat!(
            "INSERT INTO t_design_funnel_1__design_request_steps (request_id, product_id, created_day,
               created_month, created_at, submitted_at, intent_at, paid_at, started_at, completed_at)
             SELECT '", $id, "', ", $product, ", '", $day, "', substr('", $day, "', 1, 7), c, s, i, p, d, e
             FROM (SELECT ", $times, ") AS t;"
        )
    };
}

const ROWS: &str = concat!(
    row!(
        "a",
        "'sofa'",
        "2026-01-01",
        "0 AS c, 10000000 AS s, 20000000 AS i, 50000000 AS p, 60000000 AS d, 160000000 AS e"
    ),
    row!(
        "b",
        "'sofa'",
        "2026-01-01",
        "0 AS c, 30000000 AS s, 40000000 AS i, 41000000 AS p, CAST(NULL AS BIGINT) AS d, CAST(NULL AS BIGINT) AS e"
    ),
    row!(
        "c",
        "'desk'",
        "2026-01-02",
        "86400000000 AS c, 86420000000 AS s, CAST(NULL AS BIGINT) AS i, CAST(NULL AS BIGINT) AS p, CAST(NULL AS BIGINT) AS d, CAST(NULL AS BIGINT) AS e"
    ),
    // Paid before it was handed in.
    row!(
        "d",
        "NULL",
        "2026-02-01",
        "2678400000000 AS c, 2678500000000 AS s, 2678410000000 AS i, 2678411000000 AS p, CAST(NULL AS BIGINT) AS d, CAST(NULL AS BIGINT) AS e"
    ),
    row!(
        "e",
        "'sofa'",
        "2026-02-01",
        "2678400000000 AS c, CAST(NULL AS BIGINT) AS s, CAST(NULL AS BIGINT) AS i, CAST(NULL AS BIGINT) AS p, CAST(NULL AS BIGINT) AS d, CAST(NULL AS BIGINT) AS e"
    ),
);

async fn shares_and_medians_are_those_of_the_requests_of_a_period_and_a_product(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({})).await;
    assert_eq!(asked("design-funnel", &world, &handlers, "steps", json!({})).await.len(), 6);
    world.execute("DELETE FROM t_design_funnel_1__design_request_steps").await;
    world.execute(ROWS).await;

    let all = steps(&world, &handlers, json!({})).await;
    assert_eq!(
        all,
        json!([
            ["", "", "created", 5, null, null],
            // 10, 20, 30 and 100 seconds.
            ["", "", "submitted", 4, 0.8, 25.0],
            // 10, 10 and none at all.
            ["", "", "intent", 3, 0.75, 10.0],
            // 30, 1 and 1.
            ["", "", "paid", 3, 1.0, 1.0],
            ["", "", "started", 1, 1.0 / 3.0, 10.0],
            ["", "", "completed", 1, 1.0, 100.0],
        ])
    );
    let sofa = json!({"product_id": "sofa", "to": "1970-01-02T00:00:00Z"});
    assert_eq!(
        steps(&world, &handlers, sofa).await,
        json!([
            ["", "", "created", 2, null, null],
            ["", "", "submitted", 2, 1.0, 20.0],
            ["", "", "intent", 2, 1.0, 10.0],
            ["", "", "paid", 2, 1.0, 15.5],
            ["", "", "started", 1, 0.5, 10.0],
            ["", "", "completed", 1, 1.0, 100.0],
        ])
    );
    let monthly = steps(&world, &handlers, json!({"period": "month", "by_product": true})).await;
    let monthly: Vec<_> = monthly
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row[0], row[1], row[2], row[3]]))
        .collect();
    assert_eq!(monthly.len(), 24);
    assert_eq!(monthly[0], json!(["2026-01", "desk", "created", 1]));
    assert_eq!(monthly[6], json!(["2026-01", "sofa", "created", 2]));
    assert_eq!(monthly[12], json!(["2026-02", "", "created", 1]));
    assert_eq!(monthly[15], json!(["2026-02", "", "paid", 1]));
    assert_eq!(monthly[18], json!(["2026-02", "sofa", "created", 1]));
    let daily = steps(&world, &handlers, json!({"period": "day"})).await;
    let days: Vec<_> =
        daily.as_array().unwrap().iter().step_by(6).map(|row| row[0].clone()).collect();
    assert_eq!(days, ["2026-01-01", "2026-01-02", "2026-02-01"]);
    handlers.stop().await;
}

async fn a_request_takes_its_steps_once_whatever_comes_late(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for (id, paid) in [("r1", true), ("r2", true), ("r3", false)] {
        send(&world, id, "create-request", json!({"product_id": "sofa"})).await;
        send(&world, id, "submit-request", json!({"email": "ada@example.org"})).await;
        if paid {
            send(&world, id, "quote", json!({"amount": 4900, "currency": "eur"})).await;
            send(&world, id, "record-payment", report("pi", "succeeded", 30)).await;
            send(&world, id, "record-payment", report("pi", "created", 10)).await;
            send(&world, id, "record-payment", report("pi", "failed", 20)).await;
        }
    }
    send(&world, "r1", "start-design", json!({})).await;
    send(&world, "r1", "complete-design", json!({})).await;
    let month = chrono::Utc::now().format("%Y-%m").to_string();
    let told = steps(&world, &handlers, json!({"period": "month", "by_product": true})).await;
    let counts: Vec<_> = told.as_array().unwrap().iter().map(|row| row[3].clone()).collect();
    assert_eq!(counts, [3, 3, 2, 2, 1, 1]);
    assert_eq!((&told[0][0], &told[0][1]), (&json!(month), &json!("sofa")));
    // By the provider's clock: from the first report to the success.
    assert_eq!(told[3][5], json!(20.0));
    handlers.stop().await;
}

with_every_store! {
    shares_and_medians_are_those_of_the_requests_of_a_period_and_a_product,
    a_request_takes_its_steps_once_whatever_comes_late,
}
