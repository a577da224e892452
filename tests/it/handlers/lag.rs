//! How far a handler is behind, as it is seen from outside: when it is idle, behind, stuck and halted.

use std::time::Duration;

use async_nats::jetstream::{self, stream::Config};
use chrono::Utc;
use infrastructure::handler::{HandlerOptions, HandlerState, HandlerStatus, Handlers};
use nats::names;
use tests::{LIMIT, eventually};

use super::{
    table_tennis::{Bell, POISON, ReturnBalls, Scores},
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

#[tokio::test]
async fn a_handler_whose_dead_letters_cannot_be_written_says_so_until_they_can() {
    const HANDLERS: [&str; 2] = ["scores", "return-balls"];
    let world = World::start().await;
    let policy = ReturnBalls { poisoned: true, ..ReturnBalls::default() };
    let composition = table().projection(Scores::<1, true>).policy(policy);
    let handlers = world.handlers(&composition, "one").await;
    world.serve("ada", 1).await;
    for handler in HANDLERS {
        lags(&world, &handlers, handler, 0).await;
    }
    let context = jetstream::new(world.connection.clone());
    let stream = context.get_stream(names::DLQ).await.unwrap();
    let roomy = stream.cached_info().config.clone();
    context.update_stream(Config { max_bytes: 1, ..roomy.clone() }).await.unwrap();

    world.serve("ada", POISON).await;
    for ball in 2..7 {
        world.serve("ada", ball).await;
    }
    for handler in HANDLERS {
        let told = state(&handlers, handler, |state| {
            matches!(state, HandlerState::Retrying { reason }
                if reason.starts_with("its dead letters cannot be written: "))
        });
        let HandlerState::Retrying { reason } = told.await else { unreachable!() };
        assert!(reason.contains("maximum bytes exceeded"), "{reason}");
        assert!(now(&handlers, handler).retries > 0);
        lags(&world, &handlers, handler, 6).await;
        let report = world.report(handler).await;
        assert!(matches!(report.state, Some(HandlerState::Retrying { .. })), "{report:?}");
    }
    context.update_stream(roomy).await.unwrap();
    for handler in HANDLERS {
        world.parked(handler, "ada").await;
        state(&handlers, handler, |state| *state == HandlerState::Running).await;
        lags(&world, &handlers, handler, 0).await;
    }
    handlers.stop().await;
}
