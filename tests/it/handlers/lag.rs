//! How far a handler is behind, as it is seen from outside: when it is idle, behind, stuck and halted.

use std::time::Duration;

use chrono::Utc;
use infrastructure::handler::{HandlerOptions, HandlerState, HandlerStatus, Handlers};
use tests::{LIMIT, eventually};

use super::{
    table_tennis::{Bell, POISON},
    umpire::{Fault, Umpire},
    world::{World, state, table},
};

fn now(handlers: &Handlers, handler: &str) -> HandlerStatus {
    handlers.status().into_iter().find(|status| status.name == handler).unwrap()
}

/// Waits until `handler` is as far behind, to itself and to those who read the buckets.
pub(super) async fn lags(world: &World, handlers: &Handlers, handler: &str, lag: u64) {
    eventually(&format!("{handler} is {lag} commits behind"), LIMIT, async || {
        let (status, report) = (now(handlers, handler), world.report(handler).await);
        let told = (status.lag, report.lag);
        let is_old = status.lag_at(Utc::now()) > Duration::ZERO && report.lag_ms.is_some();
        (told == (lag, lag) && is_old == (lag > 0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_halts_goes_on_saying_how_far_it_is_behind() {
    let world = World::start().await;
    let handlers = world.handlers(&table().effect(Bell::default()), "one").await;
    world.serve("ada", 1).await;
    lags(&world, &handlers, "bell", 0).await;
    world.serve("ada", POISON).await;
    state(&handlers, "bell", |state| matches!(state, HandlerState::Halted { .. })).await;
    for ball in 2..7 {
        world.serve("bob", ball).await;
    }
    lags(&world, &handlers, "bell", 6).await;
    handlers.stop().await;
}

#[tokio::test]
async fn a_handler_whose_hands_are_full_counts_what_it_does_not_read_and_catches_up() {
    let world = World::start().await;
    let umpire = Umpire::default();
    for ball in [1, 2] {
        umpire.fails(ball, Fault::Away);
    }
    let options = HandlerOptions { window_max: 2, ..world.options("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    world.serve("ada", 1).await;
    world.serve("bob", 2).await;
    lags(&world, &handlers, "umpire", 2).await;
    for ball in 3..10 {
        world.serve("cleo", ball).await;
    }
    lags(&world, &handlers, "umpire", 9).await;
    for ball in [1, 2] {
        umpire.is_mended(ball);
    }
    lags(&world, &handlers, "umpire", 0).await;
    handlers.stop().await;
}
