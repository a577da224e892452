//! A timer is set, moved, cancelled and done with.

use chrono::TimeDelta;
use infrastructure::{
    durable::{OutcomeStatus, Results},
    envelope::decode,
    timers::TimerRecord,
};
use kit::CommandId;

use super::{CANCEL, IN_SECONDS, later};
use crate::handlers::{table_tennis::UNLUCKY, world::World};

#[tokio::test]
async fn a_timer_fires_once_when_its_time_has_come_and_leaves_only_a_trace() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", 1).await;
    assert_eq!(world.done("ada").await.1, "committed");
    assert_eq!(world.returned("ada").await, [1]);
    let messages = world.messages().await;
    let (cause, effect) =
        (decode(&messages[0].payload).unwrap(), decode(&messages[1].payload).unwrap());
    let (cause, effect) = (&cause[0], &effect[0]);
    assert_eq!(effect.metadata.command_id, CommandId::derived("return-later", cause.id, 0));
    assert_eq!(effect.metadata.causation_id, Some(cause.id.to_string()));
    assert_eq!(effect.metadata.correlation_id, cause.metadata.correlation_id);
    assert!(effect.time - cause.time >= TimeDelta::milliseconds(300), "never early");
    handlers.stop().await;
}

#[tokio::test]
async fn a_time_that_has_passed_fires_at_once() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", 401).await;
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [401]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_timer_is_moved_by_setting_it_again_earlier_and_later() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", 101).await;
    world.serve_and_react("ada", 2).await;
    let (bob, seconds) =
        world.in_time("bob", async |id| world.serve_and_react(id, 102).await).await;
    // Set after bob's first one, for as long: when it has fired, bob's would have.
    world.serve_and_react("cleo", IN_SECONDS + seconds).await;
    world.done("ada").await;
    world.done("cleo").await;
    assert_eq!(world.returned("ada").await, [2]);
    assert_eq!(world.returned("cleo").await, [IN_SECONDS + seconds]);
    let left = world.only_record(&bob).await.unwrap();
    let TimerRecord::Set(planned) = left else { panic!("{left:?}") };
    assert_eq!(planned.body, r#"{"ball":102}"#);
    assert!(world.returned(&bob).await.is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_that_comes_again_neither_brings_a_timer_back_nor_moves_it() {
    let world = World::start().await;
    let first = world.handlers(&later(), "one").await;
    for (id, balls) in [("ada", [103, CANCEL]), ("bob", [104, 105]), ("cleo", [106, 3])] {
        for ball in balls {
            world.serve_and_react(id, ball).await;
        }
    }
    world.done("cleo").await;
    first.stop().await;
    let before = world.timers().await.cached_info().state.last_sequence;
    world.forget_checkpoint("return-later").await;
    let second = world.handlers(&later(), "two").await;
    world.owned_by("return-later", "two").await;
    world.reached("return-later", world.last().await).await;
    assert_eq!(world.timers().await.cached_info().state.last_sequence, before, "nothing written");
    second.stop().await;
}

#[tokio::test]
async fn a_refused_command_is_kept_with_its_reason_once_clocks_cannot_be_why() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve("ada", UNLUCKY).await;
    let (time, outcome) = world.done("ada").await;
    assert_eq!(outcome, "unlucky");
    let messages = world.messages().await;
    let cause = decode(&messages[0].payload).unwrap().remove(0);
    let skew = TimeDelta::from_std(world.options("one").timers.skew).unwrap();
    assert!(time >= cause.time + TimeDelta::milliseconds(300) + skew);
    let results = Results::open(world.connection.clone()).await.unwrap();
    let kept = results.of(&CommandId::derived("return-later", cause.id, 0)).await.unwrap();
    assert_eq!(kept.status, OutcomeStatus::Refused);
    assert_eq!(kept.original.unwrap().subject, "command.receiver.ada.return");
    handlers.stop().await;
}
