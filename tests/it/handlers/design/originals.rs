//! What each event of a request is in the tables that reports know, column by column.

mod steps;

use std::collections::BTreeSet;

use futures::future::join_all;
use infrastructure::handler::Handlers;
use serde_json::json;

use self::steps::{Step, to_other_ends, to_the_end};
use super::{report, requests, rows, send, sent, state};
use crate::handlers::world::{World, json as read, with_every_store};

async fn walk(world: &World, handlers: &Handlers, id: &str, steps: Vec<Step>) {
    let mut before = json!({});
    let mut set = BTreeSet::new();
    for (at, Step { command: (name, body), event: (kind, data), by, becomes }) in
        steps.into_iter().enumerate()
    {
        let told = body["provenance"]["metadata"].clone();
        let reply = send(world, id, name, body).await;
        let commit = read(&world.messages().await.pop().unwrap().payload);
        let events = rows(world, handlers, "events", json!({"request_id": id})).await;
        assert_eq!(events.len(), at + 1, "one row per event");
        let mut metadata =
            json!({"correlation_id": "talk", "session_id": "session", "user_id": "clerk"});
        if let Some(told) = told.as_object() {
            metadata.as_object_mut().unwrap().extend(told.clone());
        }
        let at: chrono::DateTime<chrono::Utc> =
            commit[0]["time"].as_str().unwrap().parse().unwrap();
        let row = &events[events.len() - 1];
        let created_at = row["created_at"].as_str().unwrap().to_owned();
        let shown: chrono::DateTime<chrono::Utc> = created_at.parse().unwrap();
        assert_eq!(shown.timestamp_micros(), at.timestamp_micros());
        assert_eq!(
            *row,
            json!({"id": reply.events[0].id, "request_id": id, "event_type": kind,
                "event_data": data, "created_at": created_at, "created_by": by,
                "metadata": metadata})
        );

        let after = state(world, handlers, id).await;
        for (column, value) in after.as_object().unwrap() {
            let expected = match column.as_str() {
                "updated_at" => &row["created_at"],
                "id" => &events[0]["id"],
                "request_id" => &json!(id),
                "created_at" => &events[0]["created_at"],
                column if becomes.get(column).is_some() => &becomes[column],
                column => &before[column],
            };
            assert_eq!(value, expected, "{column} after {kind}");
            if *value != before[column] {
                set.insert(column.clone());
            }
        }
        for column in becomes.as_object().unwrap().keys() {
            assert!(after.get(column).is_some(), "{column} is a column");
        }
        before = after;
    }
    if before["current_status"] == "COMPLETED" {
        for column in COLUMNS {
            assert!(set.contains(column), "{column} is set by some event");
        }
    }
}

/// In the order of the original tables.
const COLUMNS: [&str; 20] = [
    "id",
    "request_id",
    "current_status",
    "current_payment_status",
    "email",
    "design_code",
    "product_id",
    "total_amount",
    "stripe_payment_intent_id",
    "payment_net_amount",
    "payment_currency",
    "payment_fee_amount",
    "payment_failure_reason",
    "payment_failure_code",
    "payment_attempts",
    "last_payment_attempt_at",
    "payment_confirmed_at",
    "payment_method",
    "created_at",
    "updated_at",
];

async fn each_event_is_a_row_and_sets_the_columns_that_it_should(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    let product = json!({"name": "Sofa", "prices": {"eur": 4900, "jpy": 7900}});
    sent("product", &world, "sofa", "create-product", product).await;
    walk(&world, &handlers, "r1", to_the_end()).await;
    walk(&world, &handlers, "r2", to_other_ends()).await;
    handlers.stop().await;
}

async fn late_and_repeated_reports_change_nothing_that_stands(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({})).await;
    send(&world, "r", "submit-request", json!({"email": "ada@example.org"})).await;
    send(&world, "r", "record-payment", report("pi", "succeeded", 5)).await;
    let paid = state(&world, &handlers, "r").await;
    assert_eq!((&paid["current_status"], &paid["payment_attempts"]), (&json!("PAID"), &json!(1)));
    for late in [report("pi", "created", 1), report("pi", "processing", 2)] {
        send(&world, "r", "record-payment", late).await;
    }
    let mut failed = report("pi", "failed", 9);
    failed["failure_code"] = "card_declined".into();
    send(&world, "r", "record-payment", failed).await;
    send(&world, "r", "record-payment", report("pi", "succeeded", 5)).await;
    // A second payment comes in before the first did, by the provider's clock, and has fees.
    send(&world, "r", "record-payment", report("pi_0", "succeeded", 4)).await;
    let fees = json!({"intent_id": "pi_0", "fee": 100, "net": 4800, "currency": "usd"});
    send(&world, "r", "record-fees", fees).await;
    let mut expected = paid.clone();
    let known = json!({"payment_attempts": 3, "last_payment_attempt_at": "2026-01-02T03:04:09Z",
        "stripe_payment_intent_id": "pi_0", "payment_confirmed_at": "2026-01-02T03:04:04Z",
        "payment_fee_amount": 1.0, "payment_net_amount": 48.0});
    expected.as_object_mut().unwrap().extend(known.as_object().unwrap().clone());
    let mut after = state(&world, &handlers, "r").await;
    after["updated_at"] = expected["updated_at"].clone();
    assert_eq!(after, expected);
    let events = rows(&world, &handlers, "events", json!({"request_id": "r"})).await;
    let kinds: Vec<_> = events.iter().map(|row| row["event_type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "REQUEST_CREATED",
            "REQUEST_SUBMITTED",
            "PAYMENT_SUCCEEDED",
            "PAYMENT_INTENT_CREATED",
            "PAYMENT_INTENT_CREATED",
            "PAYMENT_FAILED",
            "PAYMENT_SUCCEEDED",
            "REFUND_REQUESTED",
            "PAYMENT_FEES_RECORDED"
        ]
    );
    assert!(events[5]["event_data"]["superseded"].as_bool().unwrap());
    handlers.stop().await;
}

async fn three_answers_to_one_question_are_three_versions_of_which_one_is_current(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({})).await;
    for (question, answer) in [
        ("colour", json!({"text": "red"})),
        ("colour", json!({"options": {"shade": [1, "deep"]}})),
        ("size", json!({"file_url": "https://example.org/plan.png"})),
        ("colour", json!({"text": "blue", "provenance": {"created_by": "ada@example.org"}})),
        ("colour", json!({"text": "blue"})),
    ] {
        let mut body = answer.clone();
        body["question_id"] = question.into();
        send(&world, "r", "answer-question", body).await;
    }
    let all = rows(&world, &handlers, "answers", json!({"request_id": "r"})).await;
    assert_eq!(all.len(), 4);
    let events = rows(&world, &handlers, "events", json!({"request_id": "r"})).await;
    let last = &all[3];
    assert_eq!(
        *last,
        json!({"id": last["id"], "request_id": "r", "question_id": "colour", "answer_text": "blue",
            "answer_file_url": null, "answer_options": null, "version": 3,
            "created_at": events[4]["created_at"], "created_by": "ada@example.org",
            "is_current": true})
    );
    assert_eq!(all[1]["answer_options"], json!({"shade": [1, "deep"]}));
    assert_eq!(all[2]["answer_file_url"], "https://example.org/plan.png");
    let told: Vec<_> = all
        .iter()
        .map(|row| {
            (
                row["question_id"].as_str().unwrap(),
                row["version"].as_i64().unwrap(),
                &row["is_current"],
            )
        })
        .collect();
    let (no, yes) = (&json!(false), &json!(true));
    assert_eq!(told, [("colour", 1, no), ("colour", 2, no), ("size", 1, yes), ("colour", 3, yes)]);
    let current = json!({"request_id": "r", "is_current": true});
    assert_eq!(rows(&world, &handlers, "answers", current).await, all[2..]);
    handlers.stop().await;
}

async fn fifty_who_answer_at_once_lose_nothing_and_leave_one_answer_current(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({})).await;
    join_all((0..50).map(async |at| {
        let answer = json!({"question_id": "colour", "text": format!("colour {at}")});
        send(&world, "r", "answer-question", answer).await;
    }))
    .await;
    let all = rows(&world, &handlers, "answers", json!({"request_id": "r"})).await;
    let versions: Vec<_> = all.iter().map(|row| row["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (1..=50).collect::<Vec<_>>());
    let texts: BTreeSet<_> = all.iter().map(|row| row["answer_text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 50, "nothing was written over");
    let current = json!({"request_id": "r", "is_current": true});
    assert_eq!(rows(&world, &handlers, "answers", current).await, all[49..]);
    handlers.stop().await;
}

with_every_store! {
    each_event_is_a_row_and_sets_the_columns_that_it_should,
    late_and_repeated_reports_change_nothing_that_stands,
    three_answers_to_one_question_are_three_versions_of_which_one_is_current,
    fifty_who_answer_at_once_lose_nothing_and_leave_one_answer_current,
}
