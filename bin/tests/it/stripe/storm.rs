//! Many webhooks, repeated and out of order, while the service and its broker die.

use std::cell::Cell;

use futures::{StreamExt as _, stream};
use tests::{Endpoint, History, LIMIT, StripeEvent, eventually};
use tokio::sync::watch;

use super::world::World;

/// Requests that are paid for.
const REQUESTS: usize = 12;
/// Webhooks on their way at a time.
const IN_FLIGHT: usize = 8;
/// How often the service dies.
const DEATHS: usize = 3;

/// Sends `event` again until it is taken in, as Stripe does.
async fn bring(event: StripeEvent, endpoint: watch::Receiver<Endpoint>, refusals: &Cell<usize>) {
    eventually(&format!("{} is taken in", event.id), LIMIT, async || {
        let now = endpoint.borrow().clone();
        let (status, _) = now.send(&event).await?;
        refusals.set(refusals.get() + usize::from(status == 503));
        (status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn whatever_was_taken_in_is_in_the_log_once_although_service_and_broker_die() {
    let mut world = World::start().await;
    let ids: Vec<_> = (0..REQUESTS).map(|number| format!("r-{number}")).collect();
    let names: Vec<_> = ids.iter().map(String::as_str).collect();
    world.requests(&names).await;
    for id in &ids {
        let intent = world.intent(id).await;
        world.fake.decline(&intent, "card_declined");
        world.fake.pay(&intent);
        world.fake.happen("customer.created");
    }
    let events = world.fake.events();
    let mut twice = [events.clone(), events.clone()].concat();
    fastrand::Rng::with_seed(7).shuffle(&mut twice);
    let (moves, endpoint) = watch::channel(world.endpoint());
    let (taken, refusals) = (Cell::new(0), Cell::new(0));
    let part = twice.len() / (DEATHS + 1);
    let senders = stream::iter(twice).for_each_concurrent(IN_FLIGHT, |event| {
        let (endpoint, taken, refusals) = (endpoint.clone(), &taken, &refusals);
        async move {
            bring(event, endpoint, refusals).await;
            taken.set(taken.get() + 1);
        }
    });
    let deaths = async {
        for death in 1..=DEATHS {
            eventually("some more are taken in", LIMIT, async || {
                (taken.get() >= death * part).then_some(())
            })
            .await;
            world.service.kill9().await;
            world.restart().await;
            moves.send_replace(world.endpoint());
            if death == 2 {
                world.server.kill9();
                let before = refusals.get();
                eventually("what the broker does not have is refused", LIMIT, async || {
                    (refusals.get() > before).then_some(())
                })
                .await;
                world.server.restart().await;
            }
        }
    };
    tokio::join!(senders, deaths);
    for id in &ids {
        world.told(id, "payment-succeeded").await;
        world.told(id, "payment-fees-recorded").await;
    }
    for event in &events {
        let expected = if event.text.contains("payment_intent") { "received" } else { "ignored" };
        world.history("stripe-event", &event.id, &[expected]).await;
    }
    let history = History::read(&world.server.client().await).await;
    history.assert_sound();
    for id in &ids {
        let paid = history.of(&format!("design.{id}")).iter();
        let paid = paid.filter(|entry| entry.kind == "design.payment-succeeded").count();
        assert_eq!(paid, 1, "{id}");
    }
    assert!(world.service.stop().await);
}
