//! Whatever Stripe reports stands on a list, with what became of it.

use infrastructure::{
    composition::Composition,
    handler::Handlers,
    readmodel::verify,
    sealing::{Keys, MasterKeys},
};
use policies::{RecordStripePayments, SetAsideUnfitPayments};
use projections::StripeInbox;
use serde_json::{Value, json};
use tests::{LIMIT, eventually};

use super::{asked, send, sent, table};
use crate::handlers::world::{World, with_every_store};

fn inbox() -> Composition {
    let composition = table().tables(StripeInbox);
    composition.policy(RecordStripePayments).policy(SetAsideUnfitPayments)
}

/// Stripe reports that the payment `pi_<id>` of `amount` for `request` is `kind` now.
async fn receive(world: &World, id: &str, kind: &str, request: Value, amount: i64) {
    let payload = json!({
        "id": format!("evt_{id}"), "object": "event", "created": 1_767_323_165, "livemode": false,
        "type": kind,
        "data": {"object": {
            "id": format!("pi_{id}"), "object": "payment_intent", "amount": amount,
            "amount_received": amount, "currency": "eur", "metadata": {"request_id": request},
        }},
    });
    let body = json!({"payload": payload.to_string()});
    sent("stripe-event", world, &format!("evt_{id}"), "receive", body).await;
}

const PAID: &str = "payment_intent.succeeded";

/// Requests for a sofa, of which only the first has been told its price.
async fn requests(world: &World, ids: &[&str]) {
    for id in ids {
        send(world, id, "create-request", json!({"product_id": "sofa"})).await;
    }
    quote(world, ids[0]).await;
}

async fn quote(world: &World, id: &str) {
    send(world, id, "quote", json!({"amount": 4900, "currency": "eur"})).await;
}

async fn rows(world: &World, handlers: &Handlers, query: &str, params: Value) -> Vec<Value> {
    asked("stripe-inbox", world, handlers, query, params).await
}

/// These columns of each row.
fn told<const N: usize>(rows: &[Value], columns: [&str; N]) -> Vec<Value> {
    rows.iter().map(|row| json!(columns.map(|column| row[column].clone()).to_vec())).collect()
}

/// Waits until the list of events, by id and status, is `expected`.
async fn become_of(world: &World, handlers: &Handlers, expected: &[(&str, &str)]) {
    let mut last = Vec::new();
    let expected: Vec<_> = expected.iter().map(|(id, status)| json!([id, status])).collect();
    eventually(&format!("the list is {expected:?}"), LIMIT, async || {
        last = told(&rows(world, handlers, "events", json!({})).await, ["id", "status"]);
        (last == expected).then_some(())
    })
    .await;
}

async fn each_event_of_stripe_says_what_became_of_it(world: World) {
    let handlers = world.handlers(&inbox(), "one").await;
    requests(&world, &["r1", "r2"]).await;
    receive(&world, "begun", "payment_intent.created", "r1".into(), 4900).await;
    receive(&world, "early", PAID, "r2".into(), 4900).await;
    receive(&world, "less", PAID, "r1".into(), 100).await;
    receive(&world, "nobody", PAID, "nobody".into(), 500).await;
    receive(&world, "other", "charge.updated", Value::Null, 1).await;
    receive(&world, "paid", PAID, "r1".into(), 4900).await;
    receive(&world, "stray", PAID, Value::Null, 700).await;
    let mut expected = [
        ("evt_begun", "recorded"),
        ("evt_early", "held"),
        ("evt_less", "set-aside"),
        ("evt_nobody", "set-aside"),
        ("evt_other", "ignored"),
        ("evt_paid", "recorded"),
        ("evt_stray", "set-aside"),
    ];
    become_of(&world, &handlers, &expected).await;

    let columns = ["id", "event_type", "intent_id", "request_id", "amount", "currency", "code"];
    let unaccounted = rows(&world, &handlers, "unaccounted", json!({})).await;
    assert_eq!(
        told(&unaccounted, columns),
        [
            json!(["evt_early", PAID, "pi_early", "r2", 49.0, "eur", null]),
            json!(["evt_less", PAID, "pi_less", "r1", 1.0, "eur", "amount-mismatch"]),
            json!(["evt_nobody", PAID, "pi_nobody", "nobody", 5.0, "eur", "not-found"]),
            json!(["evt_stray", PAID, "pi_stray", null, 7.0, "eur", "no-request"]),
        ]
    );
    assert!(unaccounted.iter().all(|row| row["created"] == "2026-01-02T03:06:05Z"));
    assert!(unaccounted[1]["detail"].as_str().unwrap().contains("1.00 EUR"), "{unaccounted:?}");
    for (filter, count) in [
        (json!({"status": "set-aside"}), 3),
        (json!({"request_id": "r1"}), 3),
        (json!({"event_type": "charge.updated"}), 1),
        (json!({"id": "evt_paid", "intent_id": "pi_paid"}), 1),
        (json!({"to": "2026-01-02T03:06:05Z"}), 0),
        (json!({"from": "2026-01-02T03:06:05Z"}), 7),
    ] {
        assert_eq!(
            rows(&world, &handlers, "events", filter.clone()).await.len(),
            count,
            "{filter}"
        );
    }
    let usd = json!({"currency": "usd"});
    assert_eq!(rows(&world, &handlers, "unaccounted", usd).await, [] as [Value; 0]);
    let totals = rows(&world, &handlers, "totals", json!({})).await;
    assert_eq!(
        told(&totals, ["what", "currency", "payments", "amount_minor"]),
        [
            json!(["held", "eur", 1, 4900]),
            // Nobody here can give back what no request has.
            json!(["refund-due", "eur", 1, 100]),
            json!(["set-aside", "eur", 3, 1300]),
        ]
    );

    // Once it is quoted, what was held is a payment like any other.
    quote(&world, "r2").await;
    expected[1].1 = "recorded";
    become_of(&world, &handlers, &expected).await;
    assert_eq!(rows(&world, &handlers, "unaccounted", json!({})).await.len(), 3);
    let verdict = world.verified("stripe-inbox", &inbox()).await;
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

async fn money_to_be_given_back_stands_on_a_list_and_so_does_what_is_not_what_was_quoted(
    world: World,
) {
    let handlers = world.handlers(&inbox(), "one").await;
    requests(&world, &["r1", "r2"]).await;
    receive(&world, "first", PAID, "r1".into(), 4900).await;
    become_of(&world, &handlers, &[("evt_first", "recorded")]).await;
    receive(&world, "second", PAID, "r1".into(), 4900).await;
    receive(&world, "third", PAID, "r2".into(), 100).await;
    let list = [("evt_first", "recorded"), ("evt_second", "recorded"), ("evt_third", "held")];
    become_of(&world, &handlers, &list).await;
    quote(&world, "r2").await;
    let due = async || {
        let columns = ["request_id", "intent_id", "event_id", "amount", "currency", "reason"];
        let mut due = told(&rows(&world, &handlers, "refunds-due", json!({})).await, columns);
        due.sort_by_key(Value::to_string);
        due
    };
    let twice = json!(["r1", "pi_second", "", 49.0, "eur", "paid-twice"]);
    let unfit = json!(["r2", "pi_third", "evt_third", 1.0, "eur", "amount-mismatch"]);
    assert_eq!(due().await, [twice.clone(), unfit]);
    // Called off, the request gives it back itself, and has recorded it.
    send(&world, "r2", "cancel-request", json!({})).await;
    let cancelled = json!(["r2", "pi_third", "", 1.0, "eur", "cancelled"]);
    assert_eq!(due().await, [twice, cancelled]);
    let list = [("evt_first", "recorded"), ("evt_second", "recorded"), ("evt_third", "recorded")];
    become_of(&world, &handlers, &list).await;
    assert_eq!(rows(&world, &handlers, "unaccounted", json!({})).await, [] as [Value; 0]);
    let of = json!({"request_id": "r2"});
    assert_eq!(rows(&world, &handlers, "refunds-due", of).await.len(), 1);
    let totals = rows(&world, &handlers, "totals", json!({})).await;
    assert_eq!(
        told(&totals, ["what", "currency", "payments", "amount_minor"]),
        [json!(["refund-due", "eur", 2, 5000])]
    );
    handlers.stop().await;
}

async fn money_told_by_hand_and_before_its_event_is_on_the_list_too(world: World) {
    let handlers = world.handlers(&inbox(), "one").await;
    requests(&world, &["r1", "r2"]).await;
    let by_hand = |intent: &str, event: Value| {
        json!({"intent_id": intent, "fact": "succeeded", "amount": 4900, "currency": "eur",
            "at": "2026-01-02T03:06:06Z", "stripe_event_id": event})
    };
    send(&world, "r1", "record-payment", by_hand("pi_known", "evt_known".into())).await;
    send(&world, "r2", "record-payment", by_hand("cash", Value::Null)).await;
    let cash = "r2/cash/1767323166";
    let columns = ["id", "event_type", "status"];
    let list = async || told(&rows(&world, &handlers, "events", json!({})).await, columns);
    let known = json!(["evt_known", null, "recorded"]);
    assert_eq!(list().await, [known, json!([cash, null, "held"])]);
    receive(&world, "known", PAID, "r1".into(), 4900).await;
    let known = json!(["evt_known", PAID, "recorded"]);
    assert_eq!(list().await, [known.clone(), json!([cash, null, "held"])]);
    // What the inbox says of money that a request has recorded does not count.
    let late = json!({"code": "late", "detail": "It came too late."});
    sent("stripe-event", &world, "evt_known", "set-aside", late).await;
    assert_eq!(list().await, [known.clone(), json!([cash, null, "held"])]);
    quote(&world, "r2").await;
    assert_eq!(list().await, [known, json!([cash, null, "recorded"])]);
    handlers.stop().await;
}

async fn money_that_names_no_request_leaves_the_list_by_a_word_with_its_event(world: World) {
    let handlers = world.handlers(&inbox(), "one").await;
    receive(&world, "stray", PAID, Value::Null, 700).await;
    become_of(&world, &handlers, &[("evt_stray", "set-aside")]).await;
    send(&world, "r1", "create-request", json!({"design_code": "D-7"})).await;
    let word = json!({"intent_id": "pi_stray", "fact": "succeeded", "amount": 700,
        "currency": "eur", "at": "2026-01-02T03:06:05Z", "stripe_event_id": "evt_stray"});
    send(&world, "r1", "record-payment", word).await;
    become_of(&world, &handlers, &[("evt_stray", "recorded")]).await;
    assert_eq!(rows(&world, &handlers, "unaccounted", json!({})).await, [] as [Value; 0]);
    handlers.stop().await;
}

async fn money_that_is_told_with_and_without_its_event_is_one_row(world: World) {
    let handlers = world.handlers(&inbox(), "one").await;
    requests(&world, &["r1", "r2", "r3"]).await;
    let asked_for = |intent: &str| {
        json!({"intent_id": intent, "fact": "succeeded", "amount": 100, "currency": "eur",
            "at": "2026-01-02T03:06:01Z"})
    };
    // The webhook first, and last.
    receive(&world, "first", PAID, "r2".into(), 100).await;
    become_of(&world, &handlers, &[("evt_first", "held")]).await;
    send(&world, "r2", "record-payment", asked_for("pi_first")).await;
    send(&world, "r3", "record-payment", asked_for("pi_last")).await;
    receive(&world, "last", PAID, "r3".into(), 100).await;
    become_of(&world, &handlers, &[("evt_first", "held"), ("evt_last", "held")]).await;
    let totals = async || {
        let totals = rows(&world, &handlers, "totals", json!({})).await;
        told(&totals, ["what", "currency", "payments", "amount_minor"])
    };
    assert_eq!(totals().await, [json!(["held", "eur", 2, 200])]);
    quote(&world, "r2").await;
    quote(&world, "r3").await;
    become_of(&world, &handlers, &[("evt_first", "set-aside"), ("evt_last", "set-aside")]).await;
    let due = rows(&world, &handlers, "refunds-due", json!({})).await;
    let expected = [json!(["pi_first", "evt_first"]), json!(["pi_last", "evt_last"])];
    assert_eq!(told(&due, ["intent_id", "event_id"]), expected);
    let expected = [json!(["refund-due", "eur", 2, 200]), json!(["set-aside", "eur", 2, 200])];
    assert_eq!(totals().await, expected);
    let verdict = world.verified("stripe-inbox", &inbox()).await;
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

async fn what_an_erased_event_said_is_gone_and_what_a_request_recorded_stays(world: World) {
    let handlers = world.handlers(&inbox(), "one").await;
    requests(&world, &["r1"]).await;
    receive(&world, "nobody", PAID, "nobody".into(), 500).await;
    receive(&world, "paid", PAID, "r1".into(), 4900).await;
    let list = [("evt_nobody", "set-aside"), ("evt_paid", "recorded")];
    become_of(&world, &handlers, &list).await;
    for id in ["evt_nobody", "evt_paid"] {
        sent("stripe-event", &world, id, "erase-personal-data", json!({})).await;
    }
    let columns = ["id", "intent_id", "request_id", "amount", "currency", "code"];
    let expected = [
        json!(["evt_nobody", null, null, null, null, "not-found"]),
        json!(["evt_paid", "pi_paid", "r1", 49.0, "eur", null]),
    ];
    assert_eq!(told(&rows(&world, &handlers, "events", json!({})).await, columns), expected);
    // Whoever never had the keys finds the same.
    let strangers = || Keys::new(world.connection.clone(), MasterKeys::new(&[1; 32], &[]));
    eventually("the keys are destroyed", LIMIT, async || {
        let log = world.messages_by(&strangers()).await;
        let is_readable = |payload: &[u8]| String::from_utf8_lossy(payload).contains("pi_nobody");
        (!log.iter().any(|message| is_readable(&message.payload))).then_some(())
    })
    .await;
    let (asked, _folder) = world.verification("stripe-inbox");
    let composition = inbox().opening(strangers());
    let verdict = verify(&world.connection, &composition, &asked, |_| {}).await.unwrap();
    assert!(verdict.is_sound(), "{verdict:?}");
    handlers.stop().await;
}

with_every_store! {
    each_event_of_stripe_says_what_became_of_it,
    money_to_be_given_back_stands_on_a_list_and_so_does_what_is_not_what_was_quoted,
    money_told_by_hand_and_before_its_event_is_on_the_list_too,
    money_that_is_told_with_and_without_its_event_is_one_row,
    money_that_names_no_request_leaves_the_list_by_a_word_with_its_event,
    what_an_erased_event_said_is_gone_and_what_a_request_recorded_stays,
}
