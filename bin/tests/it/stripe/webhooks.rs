//! What Stripe brings, once it is believed: what is taken in once, and what becomes of it.

use async_nats::jetstream;
use infrastructure::{durable::OutcomeStatus, request::Status};
use routes::design::receipt;
use serde_json::json;
use tests::{LIMIT, StripeEvent, eventually};

use super::world::World;

/// `event` with other words in it.
fn altered(event: &StripeEvent, from: &str, to: &str) -> StripeEvent {
    assert!(event.text.contains(from), "{}", event.text);
    StripeEvent { text: event.text.replace(from, to), ..event.clone() }
}

#[tokio::test]
async fn a_payment_is_followed_from_the_first_call_to_its_fees() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let created = world.fake.events().remove(0);
    let paid = world.fake.pay(&intent);
    world.bring(&[created, paid.clone()]).await;
    let succeeded = world.told("r-1", "payment-succeeded").await;
    assert_eq!(succeeded["amount"], 4900);
    assert_eq!(succeeded["currency"], "eur");
    assert_eq!(succeeded["method"], "card");
    assert_eq!(succeeded["status"], "PAID");
    assert_eq!(succeeded["stripe_event_id"], paid.id.as_str());
    assert_eq!(succeeded["provenance"]["created_by"], "stripe_webhook");
    let fees = world.told("r-1", "payment-fees-recorded").await;
    assert_eq!((&fees["fee"], &fees["net"]), (&json!(172), &json!(4728)));
    let received = world.events("stripe-event", &paid.id).await;
    assert_eq!(received.len(), 1);
    let (kind, data, user) = &received[0];
    assert_eq!((kind.as_str(), user.as_str()), ("received", "stripe_webhook"));
    assert_eq!(data["payload"], paid.text.as_str(), "as it came");
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn yen_have_no_hundredths() {
    let mut world = World::start().await;
    world.product("print", json!({"jpy": 500, "kwd": 5120})).await;
    for (id, currency, amount) in [("r-1", "jpy", 500), ("r-2", "kwd", 5120)] {
        world.request(id, "print").await;
        let (status, body) = world.open(json!({"request_id": id, "currency": currency})).await;
        assert_eq!((status, &body["amount"]), (200, &json!(amount)), "{body}");
        let intent = body["payment_intent_id"].as_str().unwrap();
        let paid = world.fake.pay(intent);
        world.bring(&[paid]).await;
        let succeeded = world.told(id, "payment-succeeded").await;
        assert_eq!(
            (&succeeded["amount"], &succeeded["currency"]),
            (&json!(amount), &json!(currency))
        );
    }
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn the_same_event_counts_once_today_and_three_days_later() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let paid = world.fake.pay(&intent);
    world.bring(&[paid.clone(), paid.clone()]).await;
    world.told("r-1", "payment-fees-recorded").await;
    let before = world.commits().await;
    // Three days later neither the kept outcomes know the command's id any more, nor the broker, which
    // after a start only knows what is still in the queue.
    let context = jetstream::new(world.server.client().await);
    context.get_stream("KV_RESULTS").await.unwrap().purge().await.unwrap();
    world.server.restart().await;
    let command = receipt(&paid.id, &paid.text, "anybody").unwrap().command_id.unwrap();
    eventually("the event was looked at again", LIMIT, async || {
        world.endpoint().send(&paid).await?;
        let outcome = world.client.result(&command).await.ok()?;
        (outcome.status == OutcomeStatus::Replayed).then_some(())
    })
    .await;
    // Nor does it take the command's id to know the event.
    let body = json!({"payload": paid.text});
    assert_eq!(world.send("stripe-event", &paid.id, "receive", body).await, Status::Unchanged);
    assert_eq!(world.commits().await, before);
    world.history("stripe-event", &paid.id, &["received"]).await;
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn any_order_of_events_leads_to_the_same_end() {
    let mut world = World::start().await;
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let ids: Vec<_> = (0..orders.len()).map(|number| format!("r-{number}")).collect();
    let names: Vec<_> = ids.iter().map(String::as_str).collect();
    world.requests(&names).await;
    for (id, order) in ids.iter().zip(orders) {
        let intent = world.intent(id).await;
        let created = world.fake.events().pop().unwrap();
        let failed = world.fake.decline(&intent, "card_declined");
        let paid = world.fake.pay(&intent);
        let events = [created, failed, paid];
        for index in order {
            world.bring(&events[index..=index]).await;
        }
    }
    for id in &ids {
        world.told(id, "payment-failed").await;
        world.told(id, "payment-succeeded").await;
        let events = world.events("design", id).await;
        let last = events.iter().rev().find_map(|(_, data, _)| data.get("payment").cloned());
        assert_eq!(last.unwrap()["status"], "SUCCEEDED", "{id}: {events:?}");
    }
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn money_for_a_request_that_was_called_off_is_to_be_given_back() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    world.send("design", "r-1", "cancel-request", json!({"reason": "changed my mind"})).await;
    let (status, problem) = world.open(json!({"request_id": "r-1"})).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("request-cancelled")));
    let paid = world.fake.pay(&intent);
    world.bring(&[paid]).await;
    let refund = world.told("r-1", "refund-requested").await;
    assert_eq!((&refund["amount"], &refund["intent_id"]), (&json!(4900), &json!(intent)));
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn an_event_that_means_nothing_here_is_recorded_and_ignored() {
    let mut world = World::start().await;
    let event = world.fake.happen("customer.subscription.paused");
    let odd = altered(&world.fake.happen("a.b"), "something", "some\u{7f}\u{85}thing");
    world.bring(&[event.clone(), odd.clone()]).await;
    for event in [event, odd] {
        world.history("stripe-event", &event.id, &["ignored"]).await;
    }
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn a_payment_that_does_not_fit_is_set_aside_with_the_reason() {
    let mut world = World::start().await;
    world.requests(&["r-1"]).await;
    let intent = world.intent("r-1").await;
    let paid = world.fake.pay(&intent);
    let other = |number: u8, from: &str, to: &str| {
        let id = format!("evt_{number}");
        let text = altered(&altered(&paid, &paid.id, &id), from, to).text;
        StripeEvent { id, text, ..paid.clone() }
    };
    let less = other(1, "\"amount_received\": 4900", "\"amount_received\": 1");
    let dollars = other(2, "\"currency\": \"eur\"", "\"currency\": \"usd\"");
    let nobody = other(3, "\"request_id\": \"r-1\"", "\"request_id\": \"nobody\"");
    let elsewhere = other(4, "\"request_id\": \"r-1\"", "\"order\": \"7\"");
    for (event, code) in [
        (less, "amount-mismatch"),
        (dollars, "currency-mismatch"),
        (nobody, "not-found"),
        (elsewhere, "no-request"),
    ] {
        world.bring(std::slice::from_ref(&event)).await;
        assert_eq!(world.set_aside(&event.id).await, code);
    }
    let kinds: Vec<_> =
        world.events("design", "r-1").await.into_iter().map(|(kind, ..)| kind).collect();
    assert!(!kinds.iter().any(|kind| kind == "payment-succeeded"), "{kinds:?}");
    // The money is there all the same, and is given back with the request.
    world.send("design", "r-1", "cancel-request", json!({})).await;
    let events = world.events("design", "r-1").await;
    let refunds = events.iter().filter(|(kind, ..)| kind == "refund-requested");
    assert_eq!(refunds.map(|(_, data, _)| data["amount"].clone()).collect::<Vec<_>>(), [1]);
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn what_is_paid_before_the_price_is_quoted_waits_for_the_quote() {
    let mut world = World::start().await;
    world.requests(&["r-1", "r-2"]).await;
    // Nobody asked for an intent of r-1, so nobody quoted it.
    let intent = world.intent("r-2").await;
    let paid = world.fake.pay(&intent);
    let of_r_1 = |id: &str, amount: &str| {
        let text = altered(&paid, "\"request_id\": \"r-2\"", "\"request_id\": \"r-1\"").text;
        let event = StripeEvent { text, ..paid.clone() };
        let text = altered(&altered(&event, &paid.id, id), "4900", amount).text;
        StripeEvent { id: id.to_owned(), text, ..paid.clone() }
    };
    let (cent, whole) = (of_r_1("evt_cent", "1"), of_r_1("evt_whole", "4900"));
    world.bring(&[cent.clone(), whole.clone()]).await;
    let held = ["request-created", "request-submitted", "payment-held", "payment-held"];
    world.history("design", "r-1", &held).await;

    // The quote is all that is missing, whoever sends it.
    world.send("design", "r-1", "quote", json!({"amount": 4900, "currency": "eur"})).await;
    assert_eq!(world.set_aside(&cent.id).await, "amount-mismatch");
    let succeeded = world.told("r-1", "payment-succeeded").await;
    assert_eq!(
        (&succeeded["amount"], &succeeded["stripe_event_id"]),
        (&json!(4900), &json!("evt_whole"))
    );
    assert!(world.service.stop().await);
}
