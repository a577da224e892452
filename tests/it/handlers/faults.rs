//! Owners that die, stop and come back; a broker that goes away.

use async_nats::jetstream;
use futures::TryStreamExt as _;
use kit::Position;
use nats::names;

use super::{
    table_tennis::{Gate, ReturnBalls},
    world::{World, table},
};

/// Every ball was returned once, in the order in which it was served.
async fn returned_once_in_order(world: &World) {
    world.reached("return-balls", world.last().await).await;
    let (served, returned) = (world.balls("server").await, world.balls("receiver").await);
    assert_eq!(returned, served);
}

#[tokio::test]
async fn when_an_owner_dies_another_goes_on_and_every_command_stands_once_in_the_log() {
    let world = World::start().await;
    let composition = table().policy(ReturnBalls::default());
    let first = world.instance(&composition, "one");
    world.owned_by("return-balls", "one").await;
    let serve = async |id, balls| {
        for ball in balls {
            world.serve(id, ball).await;
        }
    };
    tokio::join!(serve("ada", 100..150), serve("bob", 100..150), async {
        world.reached("return-balls", Position(20)).await;
        first.kill().await;
    });
    let second = world.steady_handlers(&composition, "two").await;
    let epoch = world.owned_by("return-balls", "two").await.epoch;
    serve("ada", 150..160).await;
    returned_once_in_order(&world).await;
    assert_eq!(world.report("return-balls").await.epoch, epoch);
    second.stop().await;
}

#[tokio::test]
async fn an_owner_that_was_stopped_and_wakes_up_late_changes_nothing() {
    let world = World::start().await;
    let gate = Gate::default();
    let sleeper = ReturnBalls { gate: gate.clone(), ..Default::default() };
    gate.close_for(110);
    let first = world.instance(&table().policy(sleeper), "one");
    for ball in 100..120 {
        world.serve("ada", ball).await;
    }
    tests::eventually("the owner is stopped", tests::LIMIT, async || {
        gate.someone_waits().then_some(())
    })
    .await;

    let healthy = table().policy(ReturnBalls::default());
    let second = world.steady_handlers(&healthy, "two").await;
    let epoch = world.owned_by("return-balls", "two").await.epoch;
    returned_once_in_order(&world).await;

    gate.open();
    for ball in 120..130 {
        world.serve("ada", ball).await;
    }
    returned_once_in_order(&world).await;
    // The sleeper contends again, behind the owner, whose epoch stands.
    let report = world.report("return-balls").await;
    assert_eq!((report.owner.as_deref(), report.epoch), (Some("two"), epoch));
    first.kill().await;
    returned_once_in_order(&world).await;
    second.stop().await;
}

#[tokio::test]
async fn an_instance_that_comes_back_under_its_own_name_takes_over_at_once() {
    let world = World::start().await;
    let composition = table().policy(ReturnBalls::default());
    let first = world.instance(&composition, "one");
    let epoch = world.owned_by("return-balls", "one").await.epoch;
    first.kill().await;
    let mut options = world.options("one");
    // Nobody could wait for this lease to run out.
    options.lease_ttl = std::time::Duration::from_secs(3600);
    let again = infrastructure::handler::Handlers::start(&world.client, &composition, options);
    let again = again.await.unwrap();
    tests::eventually("a later epoch", tests::LIMIT, async || {
        (world.report("return-balls").await.epoch > epoch).then_some(())
    })
    .await;
    again.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_costs_no_event_and_no_order() {
    let mut world = World::start().await;
    let composition = table().policy(ReturnBalls::default());
    let handlers = world.steady_handlers(&composition, "one").await;
    for ball in 100..130 {
        world.serve("ada", ball).await;
    }
    world.server.kill9();
    world.server.restart().await;
    for ball in 130..160 {
        let serve = async || {
            let body = format!("{{\"ball\":{ball}}}");
            let id = "ada".parse().unwrap();
            let mut request =
                infrastructure::request::CommandRequest::new("server", id, "serve", body);
            request.command_id = Some(format!("ball-{ball}").parse().unwrap());
            world.client.send(&request).await.ok()
        };
        tests::eventually("a ball is served", tests::LIMIT, serve).await;
    }
    returned_once_in_order(&world).await;
    handlers.stop().await;
}

#[tokio::test]
async fn deliveries_that_end_begin_again_after_the_last_one_seen() {
    let world = World::start().await;
    let policy = ReturnBalls::default();
    let handlers = world.steady_handlers(&table().policy(policy.clone()), "one").await;
    let context = jetstream::new(world.connection.clone());
    let stream = context.get_stream(names::EVENTS).await.unwrap();
    for round in 0..3 {
        for ball in 100..110 {
            world.serve("ada", round * 100 + ball).await;
        }
        let consumers: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
        for consumer in consumers {
            stream.delete_consumer(&consumer).await.unwrap();
        }
    }
    returned_once_in_order(&world).await;
    assert_eq!(policy.seen.lock().unwrap().len(), 30, "nothing was delivered again");
    handlers.stop().await;
}
