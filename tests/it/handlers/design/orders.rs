//! Reports of payments come in any order and more than once, and rows are the same.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{report, requests, send, state};
use crate::handlers::world::{World, with_every_store};

/// All orders of `facts`.
fn orders(facts: &[Value]) -> Vec<Vec<Value>> {
    if facts.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..facts.len() {
        let mut others = facts.to_vec();
        let first = others.remove(first);
        for mut order in orders(&others) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

fn with(mut report: Value, more: &Value) -> Value {
    report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    report
}

/// Two failures in one second.
fn two_failures() -> [Value; 2] {
    ["a", "b"].map(|it| {
        let why = json!({"stripe_event_id": format!("evt_{it}"), "method": "sepa",
            "failure_code": format!("code_{it}"), "failure_reason": format!("Reason {it}.")});
        with(report("pi_1", "failed", 1), &why)
    })
}

fn method(report: Value, method: &str) -> Value {
    with(report, &json!({ "method": method }))
}

/// Facts, and what the row says of them.
fn sets() -> Vec<(Vec<Value>, Value)> {
    let [a, b] = two_failures();
    let processing = method(report("pi_1", "processing", 2), "paypal");
    let without = with(report("pi_1", "failed", 3), &json!({"failure_code": "code_c"}));
    let paid = method(report("pi_1", "succeeded", 5), "card");
    let late = method(report("pi_1", "cancelled", 6), "link");
    let first = method(report("pi_2", "succeeded", 4), "sepa");
    vec![
        (
            vec![report("pi_1", "created", 0), a.clone(), b.clone()],
            json!({"payment_method": "sepa", "payment_failure_code": "code_b",
                "payment_failure_reason": "Reason b.", "payment_confirmed_at": null}),
        ),
        (
            vec![a.clone(), b.clone(), processing.clone(), without],
            json!({"payment_method": "paypal", "payment_failure_code": "code_c",
                "payment_failure_reason": null, "payment_confirmed_at": null}),
        ),
        (
            vec![a, processing, paid.clone(), late],
            json!({"payment_method": "card", "payment_failure_code": null,
                "payment_confirmed_at": "2026-01-02T03:04:05Z"}),
        ),
        (
            vec![b, paid, first],
            json!({"payment_method": "sepa", "stripe_payment_intent_id": "pi_2",
                "payment_confirmed_at": "2026-01-02T03:04:04Z"}),
        ),
    ]
}

async fn rows_do_not_depend_on_the_order_and_number_of_reports(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for (set, (facts, says)) in sets().into_iter().enumerate() {
        let rows = orders(&facts).into_iter().enumerate().map(async |(at, order)| {
            let id = format!("r{set}-{at}");
            send(&world, &id, "create-request", json!({})).await;
            for (at, fact) in order.iter().enumerate() {
                // Once more all that came before, the latest first.
                for fact in [fact].into_iter().chain(order[..at].iter().rev()) {
                    send(&world, &id, "record-payment", fact.clone()).await;
                }
            }
            let mut row = state(&world, &handlers, &id).await;
            for own in ["id", "request_id", "created_at", "updated_at"] {
                row.as_object_mut().unwrap().remove(own);
            }
            (order, row)
        });
        let rows = join_all(rows).await;
        let (_, expected) = &rows[0];
        for (order, row) in &rows {
            assert_eq!(row, expected, "{order:#?}");
        }
        for (column, value) in says.as_object().unwrap() {
            assert_eq!(&expected[column], value, "{column} of set {set}");
        }
    }
    handlers.stop().await;
}

with_every_store! {
    rows_do_not_depend_on_the_order_and_number_of_reports,
}
