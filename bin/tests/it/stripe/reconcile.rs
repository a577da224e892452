//! `headwater stripe reconcile`: what no webhook has brought.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{FakeStripe, StripeFailure, post};

use super::world::World;
use crate::kit::{Finished, binary, finish};

async fn reconcile(world: &World, more: &[&str]) -> Finished {
    reconcile_since(world, "2020-01-01", more).await
}

async fn reconcile_since(world: &World, since: &str, more: &[&str]) -> Finished {
    // Which payments are open is what the read model says.
    let now = json!({"after": world.commits().await, "wait_ms": 30_000});
    world.client.query("design-requests", "states", &now).await.unwrap();
    let mut command = binary().await;
    command.args(["stripe", "reconcile", "--json", "--since", since]);
    command.args(["--nats", world.server.url(), "--stripe-api", &world.fake.url()]);
    command.arg("--stripe-key-file").arg(world.key()).args(more);
    finish(command, "").await
}

fn summary(finished: &Finished) -> Value {
    finished.json().pop().unwrap()
}

#[tokio::test]
async fn what_no_webhook_brought_is_fetched_once() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2"]).await;
    let known = world.intent("r-1").await;
    let brought = world.fake.pay(&known);
    world.bring(&[brought]).await;
    world.told("r-1", "payment-succeeded").await;
    let missed = world.intent("r-2").await;
    world.fake.pay(&missed);
    for _ in 0..120 {
        world.fake.happen("customer.created");
    }
    let found = |new, known, dry_run| {
        json!({
            "seen": 124, "new": new, "known": known, "set_aside": 0, "failed": 0,
            "dry_run": dry_run, "intents": {"seen": 0, "recorded": 0, "unknown": 0, "failed": 0},
        })
    };
    let before = world.commits().await;
    assert_eq!(summary(&reconcile(&world, &["--dry-run"]).await), found(123, 1, true));
    assert_eq!(world.commits().await, before);
    assert_eq!(summary(&reconcile(&world, &[]).await), found(123, 1, false));
    world.told("r-2", "payment-succeeded").await;
    for event in world.fake.events() {
        let expected = if event.text.contains("payment_intent") { "received" } else { "ignored" };
        world.history("stripe-event", &event.id, &[expected]).await;
    }
    assert_eq!(summary(&reconcile(&world, &[]).await), found(0, 124, false));
    // A webhook that comes after all changes nothing.
    let before = world.commits().await;
    world.bring(&world.fake.events()[..4]).await;
    let last = world.events("stripe-event", &world.fake.events()[3].id).await;
    assert_eq!(last.len(), 1);
    assert_eq!(world.commits().await, before);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn payments_that_are_open_are_compared_though_no_event_tells_of_them() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2", "r-3", "r-4", "r-5", "r-6"]).await;
    let mut intents = Vec::new();
    for id in ["r-1", "r-2", "r-3", "r-4"] {
        intents.push(world.intent(id).await);
    }
    world.fake.pay(&intents[0]);
    world.fake.cancel(&intents[1]);
    world.fake.process(&intents[2]);
    for (id, intent) in [("r-5", "pi_unknown"), ("r-6", "cash")] {
        let begun = json!({"intent_id": intent, "fact": "created", "amount": 4900,
            "currency": "eur", "at": "2026-11-21T12:00:00Z"});
        world.send("design", id, "record-payment", begun).await;
    }
    let found = |seen, recorded, dry_run| {
        json!({
            "seen": 0, "new": 0, "known": 0, "set_aside": 0, "failed": 0, "dry_run": dry_run,
            "intents": {"seen": seen, "recorded": recorded, "unknown": 1, "failed": 0},
        })
    };
    // Later than all events there are.
    let reconcile = async |more: &[&str]| reconcile_since(&world, "2199-01-01", more).await;
    let before = world.commits().await;
    assert_eq!(summary(&reconcile(&["--dry-run"]).await), found(5, 3, true));
    assert_eq!(world.commits().await, before);
    let done = reconcile(&[]).await;
    assert_eq!((summary(&done), done.code), (found(5, 3, false), Some(0)));
    let lines = done.json();
    assert!(lines.iter().any(|line| line["intent"] == "pi_unknown" && line["status"] == "unknown"));
    let paid = world.told("r-1", "payment-succeeded").await;
    assert_eq!((&paid["intent_id"], &paid["amount"]), (&json!(intents[0]), &json!(4900)));
    assert_eq!(paid["provenance"]["created_by"], "stripe_reconcile");
    assert_eq!(world.told("r-2", "payment-cancelled").await["payment"]["status"], "CANCELLED");
    let begun = world.events("design", "r-3").await;
    assert!(begun.iter().any(|(_, data, _)| data["processing"] == true), "{begun:?}");
    // What is on its way, what nobody has tried to pay, and what Stripe does not know.
    assert_eq!(summary(&reconcile(&[]).await), found(3, 0, false));
    // The fees of the payment are fetched like those of any other.
    world.told("r-1", "payment-fees-recorded").await;
    assert!(world.service.stop().await);
}

/// What is said of payments alone, later than all events there are.
async fn intents(world: &World) -> (Value, Option<i32>) {
    let done = reconcile_since(world, "2199-01-01", &[]).await;
    (summary(&done)["intents"].clone(), done.code)
}

fn intents_found(seen: u64, recorded: u64) -> (Value, Option<i32>) {
    (json!({"seen": seen, "recorded": recorded, "unknown": 0, "failed": 0}), Some(0))
}

#[tokio::test]
async fn a_payment_that_fails_days_after_it_was_begun_has_failed() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    world.fake.process(&intent);
    assert_eq!(intents(&world).await, intents_found(1, 1));
    // Stripe makes the charge when it is begun, and the bank says no days after that.
    world.fake.advance(chrono::TimeDelta::days(-3));
    world.fake.decline(&intent, "card_declined");
    assert_eq!(intents(&world).await, intents_found(1, 1));
    let failed = world.told("r-1", "payment-failed").await;
    assert_eq!(
        (&failed["payment"]["status"], &failed["superseded"]),
        (&json!("FAILED"), &json!(false))
    );
    assert_eq!(intents(&world).await, intents_found(1, 0));
    assert!(world.service.stop().await);
}

/// A payment of 4.90 for the request `id`, made at Stripe by somebody else and known here.
async fn made_elsewhere(world: &World, id: &str) -> String {
    let url = world.fake.url();
    let address = url.strip_prefix("http://").unwrap();
    let key = format!("Bearer {}", FakeStripe::KEY);
    let headers = [("authorization", key.as_str()), ("stripe-version", "2024-06-20")];
    let form = format!("amount=490&currency=eur&metadata[request_id]={id}");
    let (status, made) = post(address, "/v1/payment_intents", &headers, form).await.unwrap();
    assert_eq!(status, 200, "{made}");
    let begun = json!({"intent_id": made["id"], "fact": "created", "amount": 490,
        "currency": "eur", "at": "2026-11-21T12:00:00Z"});
    world.send("design", id, "record-payment", begun).await;
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn money_that_stands_aside_is_counted_once_and_is_no_failure() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2"]).await;
    let first = made_elsewhere(&world, "r-1").await;
    let second = made_elsewhere(&world, "r-2").await;
    let paid = [world.fake.pay(&first), world.fake.pay(&second)];
    // The webhook is before one of them, and after the other.
    world.bring(&paid[..1]).await;
    world.told("r-1", "payment-held").await;
    assert_eq!(intents(&world).await, intents_found(2, 1));
    world.bring(&paid[1..]).await;
    let begun = ["request-created", "request-submitted", "payment-intent-created"];
    world.history("design", "r-2", &[&begun[..], &["payment-held"; 2]].concat()).await;
    assert_eq!(intents(&world).await, intents_found(2, 0));
    let list = async |query: &str, column: &str| {
        let now = json!({"after": world.commits().await, "wait_ms": 30_000});
        let answer = world.client.query("stripe-inbox", query, &now).await.unwrap();
        let answer: Value = serde_json::from_str(answer.get()).unwrap();
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.map(|row| row[column].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let events = BTreeSet::from(paid.map(|event| event.id));
    assert_eq!(list("unaccounted", "id").await, events);
    // It is not what is quoted, and the payment is as open here as before.
    for id in ["r-1", "r-2"] {
        world.send("design", id, "quote", json!({"amount": 4900, "currency": "eur"})).await;
    }
    assert_eq!(list("refunds-due", "event_id").await, events);
    assert_eq!(intents(&world).await, intents_found(2, 0));
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn what_cannot_be_reconciled_says_why() {
    let mut world = World::start().await;
    let later = reconcile_since(&world, "tomorrow", &[]).await;
    assert_eq!(later.code, Some(2), "{later:?}");
    std::fs::write(world.key(), "pk_test_public").unwrap();
    let unfit = reconcile(&world, &[]).await;
    assert_eq!(unfit.code, Some(2), "{unfit:?}");
    assert!(!unfit.stderr.contains("pk_test_public"), "{unfit:?}");
    std::fs::write(world.key(), "sk_test_stranger").unwrap();
    let refused = reconcile(&world, &[]).await;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(refused.stderr.contains("refuses the key"), "{refused:?}");
    std::fs::write(world.key(), FakeStripe::KEY).unwrap();
    world.fake.fail(StripeFailure::Answer(503), usize::MAX);
    let away = reconcile(&world, &[]).await;
    assert_eq!(away.code, Some(6), "{away:?}");
    assert!(away.stderr.contains("Run it again"), "{away:?}");
    assert!(world.service.stop().await);
}
