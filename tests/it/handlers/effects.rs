//! What an effect promises.

use infrastructure::handler::HandlerState;
use kit::{CommandId, EventId};

use super::{
    table_tennis::{Bell, POISON, UNLUCKY},
    world::{World, state, table},
};

#[tokio::test]
async fn an_effect_runs_with_a_key_that_a_repeat_would_have_too() {
    let world = World::start().await;
    let bell = Bell::default();
    let handlers = world.steady_handlers(&table().effect(bell.clone()), "one").await;
    let event: EventId = world.serve("ada", 1).await.events[0].id;
    let reply = world.serve("ada", UNLUCKY).await;
    world.reached("bell", reply.position).await;
    assert_eq!(*bell.rung.lock().unwrap(), [(1, CommandId::derived("bell", event, 0))]);
    assert_eq!(handlers.status()[0].skipped, 1);
    handlers.stop().await;
}

#[tokio::test]
async fn an_effect_that_says_not_now_is_asked_again_and_later_events_of_its_key_wait() {
    let world = World::start().await;
    let bell = Bell::default();
    *bell.broken.lock().unwrap() = true;
    let handlers = world.steady_handlers(&table().effect(bell.clone()), "one").await;
    for ball in [1, 2, 3] {
        world.serve("ada", ball).await;
    }
    let reason = "the bell is broken".to_owned();
    state(&handlers, "bell", |state| *state == HandlerState::Retrying { reason: reason.clone() })
        .await;
    *bell.broken.lock().unwrap() = false;
    world.reached("bell", world.last().await).await;
    let rung: Vec<_> = bell.rung.lock().unwrap().iter().map(|(ball, _)| *ball).collect();
    assert_eq!(rung, [1, 2, 3]);
    state(&handlers, "bell", |state| *state == HandlerState::Running).await;
    handlers.stop().await;
}

#[tokio::test]
async fn an_effect_that_says_halt_stops_its_handler_and_nothing_is_passed_over() {
    let world = World::start().await;
    let bell = Bell::default();
    let handlers = world.steady_handlers(&table().effect(bell.clone()), "one").await;
    let before = world.serve("ada", 1).await.position;
    world.serve("ada", POISON).await;
    world.serve("ada", 2).await;
    state(&handlers, "bell", |state| matches!(state, HandlerState::Halted { .. })).await;
    handlers.stop().await;
    assert_eq!(bell.rung.lock().unwrap().len(), 1);
    assert_eq!(world.report("bell").await.position, before);
}
