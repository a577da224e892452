//! What happens when there is no room for more, and when what fails is not the event's fault.

use infrastructure::{
    deadletter::{Action, Class},
    handler::HandlerState,
};

use super::super::{
    umpire::{Fault, Umpire},
    world::{World, state},
};

fn is_halted(state: &HandlerState) -> bool {
    matches!(state, HandlerState::Halted { .. })
}

#[tokio::test]
async fn one_key_more_than_may_be_parked_halts_the_handler_and_room_lets_it_go_on() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let options =
        infrastructure::handler::HandlerOptions { parked_keys_max: 2, ..world.steady("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    for ball in 1..=3 {
        umpire.fails(ball, Fault::Park);
        world.serve(&format!("id-{ball}"), ball).await;
    }
    let HandlerState::Halted { reason } = state(&handlers, "umpire", is_halted).await else {
        unreachable!()
    };
    assert!(reason.starts_with("2 keys are parked, and no more may"), "{reason}");
    world.serve("ada", 10).await;
    let first = world.parked("umpire", "id-1").await;
    umpire.is_mended(1);
    world.ask(&first, Action::Retry, None).await;
    // The third finds room, and the handler goes on.
    world.parked("umpire", "id-3").await;
    state(&handlers, "umpire", |state| *state == HandlerState::Running).await;
    world.reached("umpire", world.last().await).await;
    assert_eq!((umpire.judged("ada"), umpire.judged("id-1")), (vec![10], vec![1]));
    handlers.stop().await;
}

#[tokio::test]
async fn one_commit_more_than_may_wait_halts_the_handler_and_a_drain_lets_it_go_on() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let options =
        infrastructure::handler::HandlerOptions { waiting_key_max: 3, ..world.steady("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    for ball in 1..=6 {
        world.serve("ada", ball).await;
    }
    let HandlerState::Halted { reason } = state(&handlers, "umpire", is_halted).await else {
        unreachable!()
    };
    assert!(reason.starts_with("3 commits wait for event.server.ada"), "{reason}");
    umpire.is_mended(1);
    let letter = world.parked("umpire", "ada").await;
    world.ask(&letter, Action::Retry, None).await;
    world.released("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    state(&handlers, "umpire", |state| *state == HandlerState::Running).await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4, 5, 6]);
    handlers.stop().await;
}

#[tokio::test]
async fn while_something_outside_is_away_nothing_is_parked_though_the_window_is_full() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let options = infrastructure::handler::HandlerOptions {
        window_max: 4,
        waiting_attempts_min: 2,
        ..world.steady("one")
    };
    for ball in 1..=8 {
        umpire.fails(ball, Fault::Away);
    }
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    for ball in 1..=8 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    tests::eventually("many attempts", tests::LIMIT, async || {
        (handlers.status()[0].retries > 40).then_some(())
    })
    .await;
    assert_eq!(world.letters().await.list(None).await.unwrap(), []);
    for ball in 1..=8 {
        umpire.is_mended(ball);
    }
    world.reached("umpire", world.last().await).await;
    for ball in 1..=8 {
        assert_eq!(umpire.judged(&format!("id-{ball}")), [ball]);
    }
    handlers.stop().await;
}

#[tokio::test]
async fn a_key_that_fails_alone_and_fills_the_window_waits_aside_and_comes_back_by_itself() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let options = infrastructure::handler::HandlerOptions {
        window_max: 8,
        waiting_attempts_min: 3,
        ..world.steady("one")
    };
    umpire.fails(1, Fault::Away);
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    for ball in 1..=20 {
        world.serve("ada", ball).await;
        world.serve("bob", 100 + ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    assert_eq!(letter.parked.class, Class::Waiting);
    world.reached("umpire", world.last().await).await;
    assert_eq!(umpire.judged("bob"), (101..=120).collect::<Vec<_>>());
    umpire.is_mended(1);
    world.released("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    assert_eq!(umpire.judged_ever("ada"), (1..=20).collect::<Vec<_>>());
    handlers.stop().await;
}
