//! What Stripe brings, at the door: who is believed, and what is promised to them.
//! Not here: what becomes of it.

use serde_json::json;
use tests::{Delivery, FakeStripe, LIMIT, StripeEvent, eventually};

use super::world::{FORMER, SECRET, World};

#[tokio::test]
async fn only_what_stripe_signed_just_now_is_taken_in() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let paid = world.fake.pay(&intent);
    let before = world.commits().await;
    let endpoint = world.endpoint();
    for (delivery, code) in [
        (Delivery::Unsigned, "missing-signature"),
        (Delivery::Truncated, "malformed-signature"),
        (Delivery::Forged, "wrong-signature"),
        (Delivery::Aged(301), "stale-signature"),
        (Delivery::Aged(-360), "stale-signature"),
        (Delivery::Changed(0), "wrong-signature"),
        (Delivery::Changed(paid.text.len() / 2), "wrong-signature"),
        (Delivery::Changed(paid.text.len() - 1), "wrong-signature"),
    ] {
        let (status, problem) = endpoint.send_as(&paid, delivery).await.unwrap();
        assert_eq!((status, problem["code"].as_str()), (400, Some(code)), "{delivery:?}");
        assert_eq!(problem["status"], 400, "{problem}");
    }
    for (text, code) in [
        ("{}".to_owned(), "malformed-event"),
        ("[".to_owned(), "malformed-event"),
        (paid.text.replace("evt_", "evt_."), "malformed-event"),
        (paid.text.replace("\"event\"", "\"v2.core.event\""), "malformed-event"),
        (paid.text.replace("\"payment_intent.succeeded\"", "\"\""), "malformed-event"),
        (paid.text.replace("evt_", &format!("evt_{}", "a".repeat(128))), "malformed-event"),
        (paid.text.replace("\"livemode\": false", "\"livemode\": true"), "wrong-mode"),
    ] {
        let event = StripeEvent { text, ..paid.clone() };
        let (status, problem) = endpoint.send(&event).await.unwrap();
        assert_eq!((status, problem["code"].as_str()), (400, Some(code)), "{problem}");
    }
    let huge = StripeEvent { text: " ".repeat(300 * 1024), ..paid.clone() };
    // The connection may be closed before all of it was sent.
    assert!(endpoint.send(&huge).await.is_none_or(|(status, _)| status == 413));
    assert_eq!(world.commits().await, before, "nothing of it is in the log");
    let (status, _) = endpoint.send_as(&paid, Delivery::Several).await.unwrap();
    assert_eq!(status, 200);
    world.told("r-1", "payment-succeeded").await;
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn a_secret_can_take_the_place_of_another_without_a_gap() {
    let mut world = World::start().await;
    for (secret, status) in [(SECRET, 200), (FORMER, 200), ("whsec_stranger", 400)] {
        let event = world.fake.happen("a.b");
        let answer = world.endpoint_signing(secret).send(&event).await.unwrap();
        assert_eq!(answer.0, status, "{secret}: {answer:?}");
    }
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn what_the_broker_does_not_have_is_not_promised() {
    let mut world = World::start().await;
    let event = world.fake.happen("a.b");
    world.server.stop().await;
    let (status, problem) = world.endpoint().send(&event).await.unwrap();
    assert_eq!((status, problem["code"].as_str()), (503, Some("unavailable")), "{problem}");
    world.server.restart().await;
    eventually("the event is taken in", LIMIT, async || {
        let (status, _) = world.endpoint().send(&event).await?;
        (status == 200).then_some(())
    })
    .await;
    world.history("stripe-event", &event.id, &["ignored"]).await;
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn without_configuration_the_routes_say_what_is_missing() {
    let mut world = World::start_with(tempfile::tempdir().unwrap(), &[]).await;
    let event = world.fake.happen("a.b");
    let (status, problem) = world.endpoint().send(&event).await.unwrap();
    assert_eq!((status, problem["code"].as_str()), (503, Some("stripe-not-configured")));
    assert!(problem["detail"].as_str().unwrap().contains("--stripe-webhook-secret-file"));
    let (status, problem) = world.open(json!({"request_id": "r-1"})).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("stripe-not-configured")));
    assert!(problem["detail"].as_str().unwrap().contains("--stripe-key-file"));
    assert!(world.fake.requests().is_empty());
    assert!(!problem.to_string().contains(FakeStripe::KEY));
    assert!(world.service.stop().await);
}
