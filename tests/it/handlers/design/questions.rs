//! What is asked about design requests: found, paged, and who changed what.

use infrastructure::query::Queries;
use serde_json::{Value, json};

use super::{report, requests, rows, send, sent};
use crate::handlers::world::{World, json as read, with_every_store};

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["request_id"].as_str().unwrap()).collect()
}

async fn requests_are_found_by_what_they_have_in_common_and_come_in_pages(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for (id, code, email) in [
        ("r1", "D-1", "ada@example.org"),
        ("r2", "D-2", "bob@example.org"),
        ("r3", "D-1", "ada@example.org"),
        ("r4", "D-1", "'; DROP TABLE products; --"),
    ] {
        let mut body = json!({"design_code": code, "product_id": "sofa"});
        if email.contains('@') {
            body["email"] = email.into();
        }
        send(&world, id, "create-request", body).await;
    }
    send(&world, "r2", "submit-request", json!({"email": "bob@example.org"})).await;
    send(&world, "r3", "record-payment", report("pi_3", "processing", 1)).await;
    for (filter, found) in [
        (json!({}), &["r1", "r2", "r3", "r4"][..]),
        (json!({"request_id": "r2"}), &["r2"]),
        (json!({"email": "ada@example.org"}), &["r1", "r3"]),
        (json!({"email": "ada@example.org", "reverse": true}), &["r3", "r1"]),
        (json!({"email": "'; DROP TABLE products; --"}), &[]),
        (json!({"current_status": "SUBMITTED"}), &["r2"]),
        (json!({"current_payment_status": "PROCESSING"}), &["r3"]),
        (json!({"design_code": "D-1", "current_status": "DRAFT"}), &["r1", "r3", "r4"]),
        (json!({"product_id": "sofa", "current_payment_status": "NONE"}), &["r1", "r2", "r4"]),
        (json!({"stripe_payment_intent_id": "pi_3"}), &["r3"]),
        (json!({"stripe_payment_intent_id": "pi_9"}), &[]),
    ] {
        let rows = rows(&world, &handlers, "states", filter.clone()).await;
        assert_eq!(ids(&rows), found, "{filter}");
    }
    let (mut cursor, mut met) = (Value::Null, Vec::new());
    loop {
        let params = json!({"limit": 3, "reverse": true, "cursor": cursor}).to_string();
        let page = handlers.queries().query("design-requests", "states", params.into()).await;
        let page = read(&page.unwrap());
        met.extend(ids(page["rows"].as_array().unwrap()).into_iter().map(str::to_owned));
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(met, ["r4", "r3", "r2", "r1"]);
    handlers.stop().await;
}

async fn it_is_known_who_changed_what_when_and_what_it_was_before(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({"email": "ada@example.org"})).await;
    let by = json!({"created_by": "bob@example.org"});
    let submit = json!({"email": "bob@example.org", "provenance": by});
    let submitted = send(&world, "r", "submit-request", submit).await;
    for text in ["red", "blue"] {
        let answer = json!({"question_id": "colour", "text": text});
        send(&world, "r", "answer-question", answer).await;
    }
    for fact in [("succeeded", 5), ("created", 1)] {
        send(&world, "r", "record-payment", report("pi", fact.0, fact.1)).await;
    }
    send(&world, "r", "cancel-request", json!({"reason": "too late"})).await;
    let audit = rows(&world, &handlers, "audit", json!({"request_id": "r"})).await;
    let of = |field: Value| {
        let rows = audit.iter().filter(move |row| row["field"] == field);
        rows.map(|row| {
            let told = ["version", "event_type", "old_value", "new_value"];
            json!(told.map(|column| row[column].clone()))
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(
        of(json!("current_status")),
        [
            json!([1, "REQUEST_CREATED", null, "DRAFT"]),
            json!([2, "REQUEST_SUBMITTED", "DRAFT", "SUBMITTED"]),
            json!([5, "PAYMENT_SUCCEEDED", "SUBMITTED", "PAID"]),
            json!([7, "REQUEST_CANCELLED", "PAID", "CANCELLED"]),
        ]
    );
    assert_eq!(
        of(json!("email")),
        [
            json!([1, "REQUEST_CREATED", null, "ada@example.org"]),
            json!([2, "REQUEST_SUBMITTED", "ada@example.org", "bob@example.org"]),
        ]
    );
    assert_eq!(
        of(json!("answers.colour")),
        [
            json!([3, "ANSWER_VERSIONED", null, {"text": "red"}]),
            json!([4, "ANSWER_VERSIONED", {"text": "red"}, {"text": "blue"}]),
        ]
    );
    assert_eq!(of(json!("total_amount")), [json!([5, "PAYMENT_SUCCEEDED", null, 49.0])]);
    let refund = json!({"amount": "49.00", "currency": "eur", "reason": "cancelled"});
    assert_eq!(of(json!("refunds.pi")), [json!([8, "REFUND_REQUESTED", null, refund])]);
    // A report that changed nothing has been there, too.
    let events: Vec<_> = of(Value::Null).into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(events, ["PAYMENT_SUCCEEDED", "PAYMENT_INTENT_CREATED"]);
    let versions: std::collections::BTreeSet<_> =
        audit.iter().map(|row| row["version"].as_i64().unwrap()).collect();
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    let row = audit.iter().find(|row| row["version"] == 2 && row["field"] == "email").unwrap();
    assert_eq!(
        (&row["created_by"], &row["user_id"], &row["event_id"]),
        (&json!("bob@example.org"), &json!("clerk"), &json!(submitted.events[0].id))
    );
    let email = json!({"request_id": "r", "field": "email"});
    assert_eq!(rows(&world, &handlers, "audit", email).await.len(), 2);
    handlers.stop().await;
}

async fn money_that_pays_for_nothing_is_in_the_audit(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    send(&world, "r", "create-request", json!({"product_id": "sofa"})).await;
    let mut other = report("pi_2", "succeeded", 2);
    other["amount"] = 100.into();
    for told in [report("pi_1", "succeeded", 1), other] {
        send(&world, "r", "record-payment", told).await;
    }
    send(&world, "r", "quote", json!({"amount": 4900, "currency": "eur"})).await;
    let whole = json!({"amount": "49.00", "currency": "eur"});
    let little = json!({"amount": "1.00", "currency": "eur"});
    let unfit = json!({"amount": "1.00", "currency": "eur", "code": "amount-mismatch"});
    let expected = [
        json!(["PAYMENT_HELD", "held.pi_1", whole]),
        json!(["PAYMENT_HELD", "held.pi_2", little]),
        json!(["PAYMENT_UNFIT", "unfit.pi_2", unfit]),
    ];
    for (query, asked, expected) in [
        ("audit", json!({"request_id": "r"}), &expected[..]),
        ("changes", json!({}), &expected[..]),
        ("changes", json!({"event_type": "PAYMENT_UNFIT"}), &expected[2..]),
    ] {
        let rows = rows(&world, &handlers, query, asked).await;
        let aside = rows.iter().filter(|row| {
            let field = row["field"].as_str().unwrap_or_default();
            field.starts_with("held.") || field.starts_with("unfit.")
        });
        let told = aside.map(|row| json!([row["event_type"], row["field"], row["new_value"]]));
        assert_eq!(told.collect::<Vec<_>>(), expected, "{query}");
    }
    handlers.stop().await;
}

async fn what_somebody_changed_in_a_time_is_told_over_all_requests(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    for id in ["r1", "r2", "r3"] {
        send(&world, id, "create-request", json!({"email": "ada@example.org"})).await;
        let by = json!({"created_by": if id == "r2" { "eve" } else { "bob" }});
        let submit = json!({"email": format!("{id}@example.org"), "provenance": by});
        send(&world, id, "submit-request", submit).await;
    }
    let told = async |params: Value| -> Vec<Value> {
        let (mut cursor, mut met) = (Value::Null, Vec::new());
        loop {
            let mut params = params.clone();
            (params["limit"], params["cursor"]) = (2.into(), cursor);
            params["after"] = world.last().await.0.into();
            params["wait_ms"] = 30_000.into();
            let body = params.to_string().into();
            let page = handlers.queries().query("design-requests", "changes", body).await;
            let page = read(&page.unwrap());
            met.extend(page["rows"].as_array().unwrap().iter().cloned());
            cursor = page["next"].clone();
            if cursor.is_null() {
                return met;
            }
        }
    };
    let all = told(json!({})).await;
    // Four fields of a new request, and two of one that is handed in.
    assert!(all.len() == 3 * 6 && all.iter().all(|row| row["user_id"] == "clerk"), "{all:?}");
    let mut backwards = told(json!({"reverse": true})).await;
    backwards.reverse();
    assert_eq!(backwards, all);
    assert_eq!(told(json!({"user_id": "clerk"})).await, all);
    assert_eq!(told(json!({"user_id": "nobody"})).await, [] as [Value; 0]);
    let bob = told(json!({"created_by": "bob", "field": "email"})).await;
    let changed: Vec<_> = bob
        .iter()
        .map(|row| json!(["request_id", "old_value", "new_value"].map(|it| row[it].clone())))
        .collect();
    assert_eq!(
        changed,
        [
            json!(["r1", "ada@example.org", "r1@example.org"]),
            json!(["r3", "ada@example.org", "r3@example.org"])
        ]
    );
    let since = all[all.len() - 1]["created_at"].clone();
    let late = told(json!({"from": since})).await;
    assert!(!late.is_empty() && late.iter().all(|row| row["created_at"] == since), "{late:?}");
    let early = told(json!({"to": since, "user_id": "clerk"})).await;
    assert_eq!(early.len() + late.len(), all.len());
    let one = json!({"request_id": "r2", "event_type": "REQUEST_SUBMITTED"});
    assert!(told(one).await.iter().all(|row| row["created_by"] == "eve"));
    handlers.stop().await;
}

async fn products_are_told_with_their_prices_and_stand_beside_requests(world: World) {
    let handlers = world.handlers(&requests(), "one").await;
    let product = async |name: &'static str, body: Value| {
        sent("product", &world, "sofa", name, body).await;
    };
    let prices = json!({"eur": 4990, "jpy": 7900, "kwd": 15_500});
    product("create-product", json!({"name": "Sofa", "prices": prices})).await;
    product("rename-product", json!({"name": "Settee", "description": "For two."})).await;
    product("change-price", json!({"currency": "eur"})).await;
    product("change-price", json!({"currency": "kwd", "amount": 15_250})).await;
    let all = rows(&world, &handlers, "products", json!({})).await;
    let told: Vec<_> = all
        .iter()
        .map(|row| {
            json!(["name", "active", "currency", "price", "price_minor"].map(|it| row[it].clone()))
        })
        .collect();
    assert_eq!(
        told,
        [json!(["Settee", true, "jpy", 7900, 7900]), json!(["Settee", true, "kwd", 15.25, 15_250])]
    );
    product("retire-product", json!({})).await;
    assert_eq!(rows(&world, &handlers, "products", json!({"active": true})).await.len(), 0);
    send(&world, "r", "create-request", json!({"product_id": "sofa"})).await;
    send(&world, "r", "quote", json!({"amount": 7900, "currency": "jpy"})).await;
    let state = super::state(&world, &handlers, "r").await;
    assert_eq!(
        (&state["product_name"], &state["product_description"], &state["product_active"]),
        (&json!("Settee"), &json!("For two."), &json!(false))
    );
    assert_eq!((&state["total_amount"], &state["product_price"]), (&json!(7900), &json!(7900)));
    handlers.stop().await;
}

with_every_store! {
    requests_are_found_by_what_they_have_in_common_and_come_in_pages,
    it_is_known_who_changed_what_when_and_what_it_was_before,
    money_that_pays_for_nothing_is_in_the_audit,
    what_somebody_changed_in_a_time_is_told_over_all_requests,
    products_are_told_with_their_prices_and_stand_beside_requests,
}
