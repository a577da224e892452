//! How customers come to pay, whatever Stripe does meanwhile.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::{LIMIT, StripeFailure, eventually};

use super::world::World;

async fn refused(world: &World, body: Value) -> (u16, String) {
    let (status, problem) = world.open(body).await;
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_same_request_is_paid_by_the_same_intent_today_and_days_later() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let (status, first) = world.open(json!({"request_id": "r-1"})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!((&first["amount"], &first["currency"]), (&json!(4900), &json!("eur")));
    assert!(first["client_secret"].as_str().unwrap().contains("_secret_"));
    // As the original page calls it.
    let again = world.open(json!({"applicationId": "r-1", "currency": "eur"})).await;
    assert_eq!(again, (200, first.clone()));
    let intent = first["payment_intent_id"].as_str().unwrap();
    world.fake.decline(intent, "card_declined");
    world.fake.advance(TimeDelta::days(3));
    assert_eq!(world.open(json!({"request_id": "r-1"})).await, (200, first.clone()));
    assert_eq!(world.fake.intents(), [intent]);
    let expected =
        ["request-created", "request-submitted", "request-quoted", "payment-intent-created"];
    world.history("design", "r-1", &expected).await;
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn calls_at_the_same_time_get_one_intent() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let calls = (0..20).map(|_| world.intent("r-1"));
    let intents = futures::future::join_all(calls).await;
    assert!(intents.iter().all(|intent| *intent == intents[0]), "{intents:?}");
    assert_eq!(world.fake.intents().len(), 1);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn an_outage_of_stripe_leaves_nothing_that_a_repeat_does_not_heal() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let wanted = json!({"request_id": "r-1"});
    for failure in [StripeFailure::Answer(503), StripeFailure::Cut, StripeFailure::Lost] {
        world.fake.fail(failure, usize::MAX);
        assert_eq!(refused(&world, wanted.clone()).await, (503, "stripe-away".to_owned()));
    }
    world.fake.fail(StripeFailure::Answer(403), usize::MAX);
    assert_eq!(refused(&world, wanted.clone()).await, (502, "stripe-refused".to_owned()));
    world
        .history("design", "r-1", &["request-created", "request-submitted", "request-quoted"])
        .await;
    world.fake.recover();
    let intent = world.intent("r-1").await;
    // One attempt got through, and its answer was lost.
    assert_eq!(world.fake.intents(), [intent]);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn an_intent_that_was_cancelled_at_stripe_is_followed_by_another() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let first = world.intent("r-1").await;
    let cancelled = world.fake.cancel(&first);
    let second = world.intent("r-1").await;
    assert_ne!(second, first);
    world.bring(&[cancelled]).await;
    world.told("r-1", "payment-cancelled").await;
    assert_eq!(world.intent("r-1").await, second);
    let paid = world.fake.pay(&second);
    world.bring(&[paid]).await;
    world.told("r-1", "payment-succeeded").await;
    let wanted = json!({"request_id": "r-1"});
    assert_eq!(refused(&world, wanted).await, (422, "already-paid".to_owned()));
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn what_cannot_be_paid_is_refused_with_a_code_and_stripe_is_not_asked() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    world.product("both", json!({"eur": 4900, "usd": 5900})).await;
    world.request("r-2", "both").await;
    world.request("r-3", "nothing").await;
    for (body, status, code) in [
        (json!({"request_id": "nobody"}), 404, "not-found"),
        (json!({"request_id": "r-1", "currency": "usd"}), 422, "no-price"),
        (json!({"request_id": "r-2"}), 400, "invalid"),
        (json!({"request_id": "r-3"}), 422, "no-price"),
        (json!({"request_id": "r-1", "currency": "doubloon"}), 400, "invalid"),
        (json!({"request_id": "r-1", "amount": 1}), 400, "invalid"),
        (json!({"request_id": "a.>"}), 400, "invalid"),
        (json!({}), 400, "invalid"),
        (json!("r-1"), 400, "invalid"),
    ] {
        assert_eq!(refused(&world, body.clone()).await, (status, code.to_owned()), "{body}");
    }
    let (status, body) = world.open(json!({"request_id": "r-2", "currency": "usd"})).await;
    assert_eq!((status, &body["amount"]), (200, &json!(5900)), "{body}");
    let other = json!({"request_id": "r-2", "currency": "eur"});
    assert_eq!(refused(&world, other).await, (422, "currency-mismatch".to_owned()));
    assert_eq!(world.fake.intents().len(), 1);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn what_is_paid_already_is_not_sold_again_by_the_call_that_quotes_it() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let paid = json!({"intent_id": "pi_by_hand", "fact": "succeeded", "amount": 4900,
        "currency": "eur", "at": "2026-11-21T12:00:00Z"});
    world.send("design", "r-1", "record-payment", paid).await;
    let wanted = json!({"request_id": "r-1"});
    for _ in 0..2 {
        assert_eq!(refused(&world, wanted.clone()).await, (422, "already-paid".to_owned()));
    }
    assert!(world.fake.intents().is_empty(), "Stripe is not asked");
    let expected = [
        "request-created",
        "request-submitted",
        "payment-held",
        "request-quoted",
        "payment-succeeded",
    ];
    world.history("design", "r-1", &expected).await;
    assert!(world.service.stop().await);
}

/// Waits until so many successes of the request `id` are told.
async fn successes(world: &World, id: &str, count: usize) {
    eventually(&format!("{count} successes of {id}"), LIMIT, async || {
        let events = world.events("design", id).await;
        let told = events.iter().filter(|(kind, ..)| kind == "payment-succeeded").count();
        (told == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_stripe_was_paid_is_recorded_and_not_sold_again_before_any_webhook_comes() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let paid = world.fake.pay(&intent);
    let wanted = json!({"request_id": "r-1"});
    for _ in 0..2 {
        assert_eq!(refused(&world, wanted.clone()).await, (422, "already-paid".to_owned()));
    }
    let told = world.told("r-1", "payment-succeeded").await;
    assert_eq!((&told["amount"], &told["status"]), (&json!(4900), &json!("PAID")));
    assert_eq!(told["provenance"]["created_by"], "stripe_reconcile");
    successes(&world, "r-1", 1).await;
    world.bring(&[paid]).await;
    successes(&world, "r-1", 2).await;
    let events = world.events("design", "r-1").await;
    let late = events.iter().rfind(|(kind, ..)| kind == "payment-succeeded").unwrap();
    assert!(late.1["superseded"].as_bool().unwrap(), "it is one payment");
    assert!(!events.iter().any(|(kind, ..)| kind == "refund-requested"), "{events:?}");
    assert_eq!(world.fake.intents(), [intent]);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn an_intent_of_another_request_pays_for_nothing_here() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2"]).await;
    let intent = world.intent("r-1").await;
    let begun = json!({"intent_id": intent, "fact": "created", "amount": 4900,
        "currency": "eur", "at": "2026-11-21T12:00:00Z"});
    world.send("design", "r-2", "record-payment", begun).await;
    world.fake.pay(&intent);
    let wanted = json!({"request_id": "r-2"});
    assert_eq!(refused(&world, wanted).await, (502, "stripe-refused".to_owned()));
    let expected =
        ["request-created", "request-submitted", "payment-intent-created", "request-quoted"];
    world.history("design", "r-2", &expected).await;
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn an_intent_that_was_paid_though_its_making_was_never_answered_is_found() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let wanted = json!({"request_id": "r-1"});
    world.fake.fail(StripeFailure::Lost, usize::MAX);
    assert_eq!(refused(&world, wanted.clone()).await, (503, "stripe-away".to_owned()));
    world.fake.recover();
    let [intent] = <[String; 1]>::try_from(world.fake.intents()).unwrap();
    world.fake.pay(&intent);
    assert_eq!(refused(&world, wanted).await, (422, "already-paid".to_owned()));
    assert_eq!(world.told("r-1", "payment-succeeded").await["intent_id"], intent);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn fees_are_recorded_once_stripe_knows_them() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2"]).await;
    let intents = [world.intent("r-1").await, world.intent("r-2").await];
    world.fake.fail(StripeFailure::Answer(500), usize::MAX);
    let paid = intents.map(|intent| world.fake.pay(&intent));
    world.bring(&paid).await;
    for id in ["r-1", "r-2"] {
        world.told(id, "payment-succeeded").await;
    }
    world.fake.recover();
    for id in ["r-1", "r-2"] {
        assert_eq!(world.told(id, "payment-fees-recorded").await["fee"], 172);
    }
    assert!(world.service.stop().await);
}
