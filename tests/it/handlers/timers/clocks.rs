//! Timers and clocks that are wrong, and jump.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use infrastructure::{
    handler::HandlerOptions,
    timers::{TimerOptions, TimerRecord},
};

use super::{NEVER, later, lose};
use crate::handlers::world::World;

#[tokio::test]
async fn a_slow_clock_lets_a_fired_timer_wait_and_a_right_one_sends_it() {
    static AHEAD: AtomicI64 = AtomicI64::new(-3600);
    let world = World::start().await;
    let clock = || Utc::now() + TimeDelta::seconds(AHEAD.load(Ordering::Relaxed));
    let handlers = world.handlers_by("one", clock).await;
    world.serve_and_react("ada", 4).await;
    world.is_due("ada").await;
    // Fired after ada's, and due an hour ago by this clock, too.
    world.serve_and_react("bob", 402).await;
    AHEAD.store(-1800, Ordering::Relaxed);
    world.done("bob").await;
    assert!(world.returned("ada").await.is_empty());
    AHEAD.store(0, Ordering::Relaxed);
    world.done("ada").await;
    assert_eq!(world.returned("ada").await, [4]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_fast_clock_fires_nothing_before_its_time() {
    let world = World::start().await;
    let handlers = world.handlers_by("one", || Utc::now() + TimeDelta::hours(2)).await;
    world.serve_and_react("ada", 107).await;
    let (bob, _) = world.in_time("bob", async |id| lose(&world, id).await).await;
    // The sweep that finds bob's has passed ada's, which is older in the stream.
    world.done(&bob).await;
    assert!(world.returned("ada").await.is_empty());
    assert!(matches!(world.only_record("ada").await, Some(TimerRecord::Set(_))));
    handlers.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_and_forth_neither_loses_nor_repeats_a_timer() {
    // Behind by more than it takes until the timers are due, so that it jumps before they are.
    static AHEAD: AtomicI64 = AtomicI64::new(-600);
    let world = World::start().await;
    let clock = || Utc::now() + TimeDelta::seconds(AHEAD.load(Ordering::Relaxed));
    let options = world.options("one");
    // What is fired is taken in at once and waits in the owner's hands.
    let sweep_interval = Duration::from_secs(7200);
    let timers = TimerOptions { clock, sweep_interval, ..options.timers };
    let handlers = world.handlers_with(&later(), HandlerOptions { timers, ..options }).await;
    for (id, ball) in [("ada", 214), ("bob", 215), ("cleo", 110)] {
        world.serve_and_react(id, ball).await;
    }
    AHEAD.store(-3600, Ordering::Relaxed);
    world.is_due("bob").await;
    // Fired after both, and due by this clock, too.
    AHEAD.store(-1800, Ordering::Relaxed);
    world.serve_and_react("eve", 404).await;
    world.done("eve").await;
    assert!(world.returned("ada").await.is_empty() && world.returned("bob").await.is_empty());
    AHEAD.store(7200, Ordering::Relaxed);
    world.done("ada").await;
    world.done("bob").await;
    for (id, balls) in [("ada", vec![214]), ("bob", vec![215]), ("cleo", vec![])] {
        assert_eq!(world.returned(id).await, balls, "{id}");
    }
    handlers.stop().await;
}

#[tokio::test]
async fn a_timer_at_the_end_of_time_waits_and_keeps_no_other_from_firing() {
    let world = World::start().await;
    let handlers = world.handlers(&later(), "one").await;
    world.serve_and_react("ada", NEVER).await;
    // Only a sweep finds it, and a sweep looks at ada's first.
    let (bob, _) = world.in_time("bob", async |id| lose(&world, id).await).await;
    world.done(&bob).await;
    assert!(matches!(world.only_record("ada").await, Some(TimerRecord::Set(_))));
    assert!(world.returned("ada").await.is_empty());
    handlers.stop().await;
}
