//! Timers whose server, owner or command service is away or killed.

use async_nats::jetstream;
use chrono::{TimeDelta, Utc};
use infrastructure::{request::CommandRequest, timers::TimerRecord};
use tests::{LIMIT, eventually};

use super::{CANCEL, IN_SECONDS, later, lose};
use crate::handlers::world::World;

#[tokio::test]
async fn a_cancelled_timer_does_not_fire_also_after_the_server_was_killed() {
    let mut world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    let cancel = async |id: &str| world.serve_and_react(id, CANCEL).await;
    let (ada, seconds) = world.in_time("ada", cancel).await;
    let left = world.only_record(&ada).await.unwrap();
    assert!(matches!(left, TimerRecord::Cancelled { .. }), "{left:?}");
    world.server.kill9();
    world.server.restart().await;
    let id = "dan".parse().unwrap();
    let any = CommandRequest::new("server", id, "serve", r#"{"ball":110}"#).identified();
    eventually("commands are taken again", LIMIT, async || world.client.send(&any).await.ok())
        .await;
    // Set later, for as long: when it has fired, the other would have.
    world.serve_and_react("bob", IN_SECONDS + seconds).await;
    world.done("bob").await;
    assert!(world.returned(&ada).await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn what_was_fired_while_no_service_ran_and_twice_leads_to_one_command() {
    let world = World::start().await;
    // Its clock is slow, so that it sets timers and sends nothing.
    let handlers = world.handlers_by("one", || Utc::now() - TimeDelta::hours(1)).await;
    world.serve_and_react("ada", 205).await;
    handlers.stop().await;
    world.is_due("ada").await;
    let subject = "timer.due.server.ada.return";
    let due = world.timers().await.get_last_raw_message_by_subject(subject).await.unwrap();
    let context = jetstream::new(world.connection.clone());
    context.publish(subject, due.payload).await.unwrap().await.unwrap();
    let handlers = world.handlers(&later(), "two").await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [205]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_fired_timer_that_was_cancelled_before_its_command_was_sent_is_dropped() {
    let world = World::start().await;
    // Its clock is slow, so that it sets timers and sends nothing.
    let handlers = world.handlers_by("one", || Utc::now() - TimeDelta::hours(1)).await;
    world.serve_and_react("ada", 206).await;
    handlers.stop().await;
    world.is_due("ada").await;
    let reply = world.serve("ada", CANCEL).await;
    // This instance's clock is slow: it lets the fired timer wait, and cancels it meanwhile.
    let slow = world.handlers_by("two", || Utc::now() - TimeDelta::seconds(60)).await;
    world.reached("return-later", reply.position).await;
    slow.stop().await;
    let handlers = world.handlers(&later(), "three").await;
    eventually("only the trace is left", LIMIT, async || {
        let record = world.only_record("ada").await?;
        matches!(record, TimerRecord::Cancelled { .. }).then_some(())
    })
    .await;
    assert!(world.returned("ada").await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn timers_survive_a_killed_server_and_a_killed_owner() {
    let mut world = World::start().await;
    let first = world.instance(&later(), "one");
    world.owned_by("return-later", "one").await;
    world.serve_and_react("ada", 207).await;
    first.kill().await;
    world.server.kill9();
    world.server.restart().await;
    let second = world.instance(&later(), "two");
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [207]);
    second.kill().await;
}

#[tokio::test]
async fn a_schedule_that_the_server_lost_is_found_and_fired() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    let (ada, seconds) = world.in_time("ada", async |id| lose(&world, id).await).await;
    world.done(&ada).await;
    assert_eq!(world.returned(&ada).await, [IN_SECONDS + seconds]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_command_that_nobody_takes_is_sent_again_until_somebody_does() {
    let mut world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 5).await;
    world.close().await;
    world.is_due("ada").await;
    world.open().await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [5]);
    handlers.stop().await;
}
