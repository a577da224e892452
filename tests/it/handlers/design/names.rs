//! Design requests for whoever comes with SQL.

use serde_json::json;

use super::{rebuilt_the_same, report, requests, rows, send, sent};
use crate::handlers::world::{World, with_every_store};

async fn reports_read_the_tables_that_they_know_by_their_names(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    let prices = json!({"eur": 4900, "jpy": 7900, "kwd": 15_250});
    let product = json!({"name": "Sofa", "prices": prices});
    sent("product", &world, "sofa", "create-product", product).await;
    for (id, amount, currency) in [("r1", 4900, "eur"), ("r2", 7900, "jpy"), ("r3", 15_250, "kwd")]
    {
        send(&world, id, "create-request", json!({"product_id": "sofa"})).await;
        send(&world, id, "quote", json!({"amount": amount, "currency": currency})).await;
        let answer = json!({"question_id": "colour", "options": {"of": id}});
        send(&world, id, "answer-question", answer).await;
    }
    assert_eq!(rows(&world, &handlers, "states", json!({})).await.len(), 3);
    let check = async |when: &str| {
        for (select, expected) in [
            (
                "SELECT CAST(total_amount AS TEXT) FROM design_request_states ORDER BY request_id",
                if world.is_shared() { ["49.00", "7900", "15.250"] } else { ["49", "7900", "15.25"] },
            ),
            (
                "SELECT CAST(request_id || ' ' || product_name || ' ' || (total_amount = product_price)
                   AS TEXT)
                 FROM design_requests_current_state WHERE total_amount > 10 ORDER BY request_id",
                if world.is_shared() {
                    ["r1 Sofa true", "r2 Sofa true", "r3 Sofa true"]
                } else {
                    ["r1 Sofa 1", "r2 Sofa 1", "r3 Sofa 1"]
                },
            ),
            (
                "SELECT CAST(event_data ->> 'currency' AS TEXT) FROM design_request_events
                 WHERE event_type = 'REQUEST_QUOTED' ORDER BY created_at",
                ["eur", "jpy", "kwd"],
            ),
            (
                "SELECT CAST(answer_options ->> 'of' AS TEXT) FROM design_request_answers_history
                 WHERE is_current ORDER BY created_at",
                ["r1", "r2", "r3"],
            ),
        ] {
            assert_eq!(world.texts(select).await.unwrap(), expected, "{select} {when}");
        }
    };
    check("at first").await;
    // Newest first, of the last hour.
    let recent = if world.is_shared() {
        "SELECT request_id FROM design_request_states
         WHERE created_at > now() - INTERVAL '1 hour' ORDER BY created_at DESC"
    } else {
        "SELECT request_id FROM design_request_states
         WHERE created_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 hour') ORDER BY created_at DESC"
    };
    assert_eq!(world.texts(recent).await.unwrap(), ["r3", "r2", "r1"]);
    rebuilt_the_same(&world).await;
    check("after a rebuild").await;
    handlers.stop().await;
}

async fn events_and_answers_cannot_be_changed_by_their_names(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({})).await;
    send(&world, "r", "record-payment", report("pi", "created", 1)).await;
    send(&world, "r", "answer-question", json!({"question_id": "colour", "text": "red"})).await;
    let before = rows(&world, &handlers, "events", json!({"request_id": "r"})).await;
    for attempt in [
        "UPDATE design_request_events SET created_by = 'nobody'",
        "UPDATE design_request_events SET event_type = 'PAYMENT_SUCCEEDED' WHERE request_id = 'r'",
        "DELETE FROM design_request_events WHERE request_id = 'r'",
        "INSERT INTO design_request_events (id, request_id) VALUES ('x', 'r')",
        "UPDATE design_request_answers_history SET answer_text = 'blue'",
        "DELETE FROM design_request_answers_history",
        "UPDATE design_request_states SET current_status = 'PAID'",
        "DELETE FROM design_request_states",
        "DELETE FROM design_requests_current_state",
    ] {
        let refused = world.tried(attempt).await.unwrap_err().to_string();
        assert!(refused.contains("view"), "{attempt}: {refused}");
    }
    assert_eq!(rows(&world, &handlers, "events", json!({"request_id": "r"})).await, before);
    handlers.stop().await;
}

with_every_store! {
    reports_read_the_tables_that_they_know_by_their_names,
    events_and_answers_cannot_be_changed_by_their_names,
}
