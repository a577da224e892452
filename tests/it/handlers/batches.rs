//! Batch effects: large enough, soon enough, each key in order, whatever fails in between.

use infrastructure::{
    deadletter::{Action, Class},
    handler::{BreakerOptions, BreakerState, HandlerOptions},
};
use tests::{LIMIT, eventually};

use super::{
    scribe::{Scribe, Slip},
    world::World,
};

/// No test waits so long: these batches are handed over only once they are full.
const NEVER: u64 = 3_600_000;

#[tokio::test]
async fn a_batch_is_handed_over_as_soon_as_it_is_full() {
    let world = World::start().await;
    let scribe = Scribe::<5, NEVER>::default();
    for ball in 1..=23 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    eventually("all full batches are handled", LIMIT, async || {
        (handlers.status()[0].handled == 20).then_some(())
    })
    .await;
    assert_eq!(scribe.sizes(), [5, 5, 5, 5]);
    handlers.stop().await;
    assert_eq!(scribe.sizes().len(), 4, "what waits when it stops is not begun");
}

#[tokio::test]
async fn many_commits_of_one_key_fill_a_batch() {
    let world = World::start().await;
    let scribe = Scribe::<8, NEVER>::default();
    scribe.is_slow(true);
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    world.serve_all("ada", &[1, 2, 3, 4, 5]).await;
    world.serve_all("ada", &[6, 7]).await;
    for ball in 8..=31 {
        world.serve("ada", ball).await;
    }
    eventually("all of it is in hand", LIMIT, async || {
        (handlers.status()[0].lag == 26).then_some(())
    })
    .await;
    scribe.is_slow(false);
    scribe.whistle();
    eventually("full batches are handled", LIMIT, async || {
        (scribe.written("ada").len() > 23).then_some(())
    })
    .await;
    let written = scribe.written("ada");
    assert_eq!(written, (1..=written.len() as u64).collect::<Vec<_>>());
    assert!(scribe.sizes()[1..].iter().all(|size| *size <= 8) && scribe.sizes().contains(&8));
    handlers.stop().await;
}

#[tokio::test]
async fn a_batch_is_handed_over_when_its_first_event_has_waited_long_enough() {
    let world = World::start().await;
    let scribe = Scribe::<1000, 30>::default();
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    for ball in 1..=3 {
        world.serve("ada", ball).await;
        world.serve("bob", 10 + ball).await;
    }
    world.reached("scribe", world.last().await).await;
    assert_eq!((scribe.written("ada"), scribe.written("bob")), (vec![1, 2, 3], vec![11, 12, 13]));
    assert_eq!(handlers.status()[0].handled, 6);
    handlers.stop().await;
}

#[tokio::test]
async fn only_what_failed_is_handled_again_with_what_comes_behind_it_of_its_key() {
    let world = World::start().await;
    let scribe = Scribe::<6, 30>::default();
    scribe.slips(2, &[Slip::Later, Slip::Later, Slip::Away]);
    world.serve_all("ada", &[1, 2, 3]).await;
    world.serve_all("bob", &[11, 12, 13]).await;
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    world.reached("scribe", world.last().await).await;
    assert_eq!((scribe.written("ada"), scribe.written("bob")), (vec![1, 2, 3], vec![11, 12, 13]));
    assert_eq!(scribe.batches()[0].len(), 4, "one of ada's and all of bob's");
    assert_eq!(handlers.status()[0].retries, 3);
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_that_is_parked_keeps_its_key_waiting_and_a_drain_hands_over_batches_of_it() {
    let world = World::start().await;
    let scribe = Scribe::<4, 30>::default();
    scribe.slips(3, &[Slip::Park]);
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    world.serve_all("ada", &[1, 2, 3, 4]).await;
    for ball in 5..=12 {
        world.serve("ada", ball).await;
        world.serve("bob", 10 + ball).await;
    }
    let letter = world.parked("scribe", "ada").await;
    world.reached("scribe", world.last().await).await;
    assert_eq!((letter.parked.class, letter.at.index), (Class::Asked, 2));
    assert_eq!(scribe.written("ada"), [1, 2]);
    assert_eq!(scribe.written("bob"), (15..=22).collect::<Vec<_>>());
    let status = &handlers.status()[0];
    assert_eq!((status.parked, status.waiting), (1, 9), "{status:?}");
    scribe.slips(3, &[]);
    let before = scribe.sizes().len();
    world.ask(&letter, Action::Retry, None).await;
    world.released("scribe", "ada").await;
    assert_eq!(scribe.written("ada"), (1..=12).collect::<Vec<_>>());
    let drained = &scribe.sizes()[before..];
    assert!(drained.iter().all(|size| *size <= 4) && drained.iter().any(|size| *size > 1));
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_at_which_the_code_panics_is_found_and_parked_and_the_others_are_handled() {
    let world = World::start().await;
    let scribe = Scribe::<16, 30>::default();
    scribe.slips(5, &[Slip::Panic]);
    for ball in 1..=16 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    world.serve("id-5", 100).await;
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    let letter = world.parked("scribe", "id-5").await;
    world.reached("scribe", world.last().await).await;
    assert_eq!((letter.parked.class, letter.parked.attempts), (Class::Bug, 3));
    assert_eq!(handlers.status()[0].retries, 2, "only of the one that is to blame");
    for ball in (1..=16).filter(|ball| *ball != 5) {
        assert_eq!(scribe.written(&format!("id-{ball}")), [ball]);
    }
    assert!(scribe.written("id-5").is_empty());
    scribe.slips(5, &[]);
    world.ask(&letter, Action::Retry, None).await;
    world.released("scribe", "id-5").await;
    assert_eq!(scribe.written("id-5"), [5, 100]);
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_because_of_which_a_whole_batch_is_refused_is_found_and_parked() {
    let world = World::start().await;
    let scribe = Scribe::<16, 30>::default();
    scribe.slips(5, &[Slip::Refused]);
    for ball in 1..=16 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    world.serve("id-5", 100).await;
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    let letter = world.parked("scribe", "id-5").await;
    world.reached("scribe", world.last().await).await;
    assert_eq!((letter.parked.class, letter.parked.attempts), (Class::Asked, 1));
    assert_eq!(handlers.status()[0].retries, 0, "it is no outage, and no bug");
    for ball in (1..=16).filter(|ball| *ball != 5) {
        assert_eq!(scribe.written(&format!("id-{ball}")), [ball]);
    }
    assert_eq!(scribe.sizes()[0], 16);
    assert!(scribe.written("id-5").is_empty());
    scribe.slips(5, &[]);
    world.ask(&letter, Action::Retry, None).await;
    world.released("scribe", "id-5").await;
    assert_eq!(scribe.written("id-5"), [5, 100]);
    handlers.stop().await;
}

#[tokio::test]
async fn whatever_fails_every_event_is_written_once_and_each_key_in_order() {
    let seed = std::env::var("HEADWATER_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::start().await;
    let scribe = Scribe::<12, 10>::default();
    let keys = 8;
    let mut due = vec![Vec::new(); keys];
    for ball in 1..=200 {
        let slips = [Slip::Later, Slip::Away];
        let slips: Vec<_> = (0..random.usize(..4)).map(|_| slips[random.usize(..2)]).collect();
        if random.usize(..4) == 0 {
            scribe.slips(ball, &slips);
        }
        due[random.usize(..keys)].push(ball);
    }
    let breaker = BreakerOptions { failures_max: u32::MAX, ..BreakerOptions::DEFAULT };
    let options = HandlerOptions { breaker, ..world.steady("one") };
    let handlers = world.handlers_with(&scribe.composition(), options).await;
    let serve = due.iter().enumerate().map(async |(key, balls)| {
        let mut left = &balls[..];
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(1 + left.len() % 3));
            world.serve_all(&format!("key-{key}"), now).await;
            left = later;
        }
    });
    futures::future::join_all(serve).await;
    world.reached("scribe", world.last().await).await;
    for (key, balls) in due.iter().enumerate() {
        // Run again with HEADWATER_SEED set to it.
        assert_eq!(scribe.written(&format!("key-{key}")), *balls, "seed {seed}");
    }
    assert!(scribe.sizes().iter().all(|size| *size <= 12));
    assert_eq!(world.letters().await.list(None).await.unwrap(), []);
    handlers.stop().await;
}

#[tokio::test]
async fn whoever_takes_over_in_the_middle_of_a_batch_handles_it_again_in_order() {
    let world = World::start().await;
    let scribe = Scribe::<6, 20>::default();
    scribe.slips(2, &[Slip::Park]);
    for ball in 1..=3 {
        world.serve("ada", ball).await;
        world.serve("bob", 10 + ball).await;
    }
    let first = world.instance(&scribe.composition(), "one");
    world.parked("scribe", "ada").await;
    world.reached("scribe", world.last().await).await;
    scribe.is_slow(true);
    for ball in 4..=6 {
        world.serve("bob", 10 + ball).await;
        world.serve("cleo", 20 + ball).await;
    }
    scribe.begun().await;
    first.kill().await;
    scribe.is_slow(false);
    let second = world.steady_handlers(&scribe.composition(), "two").await;
    world.reached("scribe", world.last().await).await;
    assert_eq!(scribe.written("bob"), (11..=16).collect::<Vec<_>>(), "the batch never ended");
    assert_eq!((scribe.written("cleo"), scribe.written("ada")), (vec![24, 25, 26], vec![1]));
    scribe.slips(2, &[]);
    let letter = world.parked("scribe", "ada").await;
    world.ask(&letter, Action::Retry, None).await;
    world.released("scribe", "ada").await;
    assert_eq!(scribe.written("ada"), [1, 2, 3]);
    second.stop().await;
}

#[tokio::test]
async fn who_stops_finishes_the_batch_that_runs_and_begins_no_other() {
    let world = World::start().await;
    let scribe = Scribe::<2, 20>::default();
    scribe.is_slow(true);
    for ball in 1..=6 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    let handlers = world.handlers_with(&scribe.composition(), world.steady("one")).await;
    scribe.begun().await;
    tokio::join!(handlers.stop(), async { scribe.whistle() });
    assert_eq!(scribe.batches().iter().map(Vec::len).sum::<usize>(), 2);
    scribe.is_slow(false);
    let handlers = world.steady_handlers(&scribe.composition(), "two").await;
    world.reached("scribe", world.last().await).await;
    for ball in 1..=6 {
        assert_eq!(scribe.written(&format!("id-{ball}")), [ball], "nothing is handled twice");
    }
    handlers.stop().await;
}

#[tokio::test]
async fn while_what_it_depends_on_is_away_a_batch_waits_and_nothing_is_parked() {
    let world = World::start().await;
    let scribe = Scribe::<10, 10>::default();
    scribe.is_away(true);
    scribe.orders();
    for ball in 21..=40 {
        world.serve(&format!("id-{ball}"), ball).await;
    }
    let breaker = BreakerOptions {
        failures_max: 2,
        open_for: std::time::Duration::from_millis(50),
        open_for_max: std::time::Duration::from_millis(100),
    };
    let options = HandlerOptions { breaker, window_max: 16, ..world.steady("one") };
    let handlers = world.handlers_with(&scribe.composition(), options).await;
    eventually("the breaker opens", LIMIT, async || {
        let breaker = handlers.status().remove(0).breaker?;
        (breaker.state == BreakerState::Open && scribe.sizes().len() > 4).then_some(())
    })
    .await;
    scribe.is_away(false);
    world.reached("scribe", world.last().await).await;
    assert_eq!(world.letters().await.list(None).await.unwrap(), []);
    let returned = world.balls("receiver").await;
    for ball in 21..=40 {
        let id = format!("id-{ball}");
        assert_eq!((&scribe.written(&id), &returned[&id]), (&vec![ball], &vec![ball]));
    }
    handlers.stop().await;
}
