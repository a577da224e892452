//! How people go about design requests, counted as it happens.

use infrastructure::handler::Handlers;
use serde_json::{Value, json};

use super::{asked, report, requests, send};
use crate::handlers::world::{World, with_every_store};

/// The rows of a query of patterns: these columns of each.
async fn told<const N: usize>(
    world: &World,
    handlers: &Handlers,
    (name, params): (&str, Value),
    columns: [&str; N],
) -> Value {
    let rows = asked("design-patterns", world, handlers, name, params).await;
    rows.iter().map(|row| json!(columns.map(|column| row[column].clone()).to_vec())).collect()
}

async fn statuses_count_who_came_who_went_on_and_who_is_still_there(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for id in ["r1", "r2", "r3"] {
        send(&world, id, "create-request", json!({})).await;
    }
    for id in ["r1", "r2"] {
        send(&world, id, "submit-request", json!({"email": "ada@example.org"})).await;
    }
    send(&world, "r1", "record-payment", report("pi", "succeeded", 5)).await;
    // A report that comes late moves nothing.
    send(&world, "r1", "record-payment", report("pi", "failed", 1)).await;
    send(&world, "r1", "start-design", json!({})).await;
    send(&world, "r1", "complete-design", json!({})).await;
    send(&world, "r2", "cancel-request", json!({})).await;
    let columns = ["status", "entered", "went_on", "cancelled", "here", "within_hour"];
    let expected = json!([
        ["DRAFT", 3, 2, 0, 1, 2],
        ["SUBMITTED", 2, 2, 1, 0, 2],
        ["PAID", 1, 1, 0, 0, 1],
        ["IN_DESIGN", 1, 1, 0, 0, 1],
        ["COMPLETED", 1, 0, 0, 1, 0],
        ["CANCELLED", 1, 0, 0, 1, 0],
    ]);
    assert_eq!(told(&world, &handlers, ("statuses", json!({})), columns).await, expected);
    let monthly = json!({"by_month": true, "from_month": "2020-01", "to_month": "2199-12"});
    assert_eq!(told(&world, &handlers, ("statuses", monthly), columns).await, expected);
    let early = json!({"to_month": "2020-01"});
    assert_eq!(told(&world, &handlers, ("statuses", early), columns).await, json!([]));
    let rows = asked("design-patterns", &world, &handlers, "statuses", json!({})).await;
    let mean = rows[0]["mean_seconds"].as_f64().unwrap();
    assert!(mean >= 0.0 && rows[0]["longest_seconds"].as_f64().unwrap() >= mean, "{rows:?}");
    assert!(rows[4]["mean_seconds"].is_null(), "nobody has gone on from there");
    handlers.stop().await;
}

async fn answers_that_are_revised_and_attempts_to_pay_are_counted(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for (id, colours) in [("r1", &["red"][..]), ("r2", &["red", "blue", "green"])] {
        send(&world, id, "create-request", json!({})).await;
        for text in colours {
            let answer = json!({"question_id": "colour", "text": text});
            send(&world, id, "answer-question", answer).await;
        }
        send(&world, id, "submit-request", json!({"email": "ada@example.org"})).await;
    }
    let answer = json!({"question_id": "size", "text": "large"});
    send(&world, "r1", "answer-question", answer).await;
    let columns = ["period", "question_id", "answered", "revised", "revisions"];
    let expected = json!([["", "colour", 2, 1, 2], ["", "size", 1, 0, 0]]);
    assert_eq!(told(&world, &handlers, ("questions", json!({})), columns).await, expected);

    let declined = |at: u32, code: Value| {
        let mut report = report("pi", "failed", at);
        report["failure_code"] = code;
        report
    };
    send(&world, "r1", "record-payment", report("pi", "succeeded", 5)).await;
    send(&world, "r1", "record-payment", declined(1, "card_declined".into())).await;
    send(&world, "r2", "record-payment", declined(1, "card_declined".into())).await;
    send(&world, "r2", "record-payment", declined(2, Value::Null)).await;
    send(&world, "r2", "record-payment", report("pi", "succeeded", 3)).await;
    let columns = ["attempt", "tried", "failed", "succeeded"];
    let expected = json!([[1, 2, 1, 1], [2, 1, 1, 0], [3, 1, 0, 1]]);
    assert_eq!(told(&world, &handlers, ("attempts", json!({})), columns).await, expected);
    let failures = told(&world, &handlers, ("failures", json!({})), ["failure_code", "failures"]);
    assert_eq!(failures.await, json!([["", 1], ["card_declined", 1]]));
    handlers.stop().await;
}

async fn where_requests_drop_off_is_told_by_the_last_step(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for (id, steps) in [("r1", 0), ("r2", 1), ("r3", 1), ("r4", 2)] {
        send(&world, id, "create-request", json!({"product_id": "sofa"})).await;
        if steps > 0 {
            send(&world, id, "submit-request", json!({"email": "ada@example.org"})).await;
        }
        if steps > 1 {
            send(&world, id, "quote", json!({"amount": 4900, "currency": "eur"})).await;
            send(&world, id, "record-payment", report("pi", "succeeded", 3)).await;
        }
    }
    send(&world, "r3", "cancel-request", json!({})).await;
    let rows = asked("design-funnel", &world, &handlers, "drop-off", json!({})).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| json!(["step", "requests", "cancelled"].map(|it| row[it].clone())))
        .collect();
    let expected = [json!(["created", 1, 0]), json!(["submitted", 2, 1]), json!(["paid", 1, 0])];
    assert_eq!(told, expected);
    let none = json!({"product_id": "desk", "by_product": true, "period": "month"});
    assert_eq!(asked("design-funnel", &world, &handlers, "drop-off", none).await, [] as [Value; 0]);
    handlers.stop().await;
}

with_every_store! {
    statuses_count_who_came_who_went_on_and_who_is_still_there,
    answers_that_are_revised_and_attempts_to_pay_are_counted,
    where_requests_drop_off_is_told_by_the_last_step,
}
