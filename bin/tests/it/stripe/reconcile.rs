//! `headwater stripe reconcile`: what no webhook has brought.

use serde_json::{Value, json};
use tests::{FakeStripe, StripeFailure};

use super::world::World;
use crate::kit::{Finished, binary, finish};

async fn reconcile(world: &World, more: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(["stripe", "reconcile", "--json", "--since", "2020-01-01"]);
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
            "dry_run": dry_run,
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
async fn what_cannot_be_reconciled_says_why() {
    let mut world = World::start().await;
    let later = reconcile(&world, &["--since", "tomorrow"]).await;
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
