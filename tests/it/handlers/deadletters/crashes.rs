//! An owner that dies at each step of parking and draining: nothing is lost, nothing overtakes.

use infrastructure::deadletter::Action;

use super::super::{
    umpire::{Fault, Umpire},
    world::World,
};

/// Lets the owner die when it comes to `point`, and another take over.
async fn dies_at(point: &str, action: Action) {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(3, Fault::Park);
    let composition = umpire.composition();
    let first = world.doomed(&composition, "one", point);
    for ball in 1..=6 {
        world.serve("ada", ball).await;
        world.serve("bob", 10 + ball).await;
    }
    // Either the point is where it parks, or it is where it drains.
    if !point.starts_with("park.") {
        let letter = world.parked("umpire", "ada").await;
        umpire.is_mended(3);
        world.ask(&letter, action, None).await;
    }
    first.dies().await;
    let second = world.handlers(&composition, "one").await;
    for ball in 7..=8 {
        world.serve("ada", ball).await;
    }
    if point.starts_with("park.") {
        let letter = world.parked("umpire", "ada").await;
        world.reached("umpire", world.last().await).await;
        assert_eq!(umpire.judged("ada"), [1, 2], "{point}");
        umpire.is_mended(3);
        world.ask(&letter, action, None).await;
    }
    world.released("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    let due: Vec<u64> = (1..=8).filter(|ball| action == Action::Retry || *ball != 3).collect();
    assert_eq!(umpire.judged("ada"), due, "{point}");
    assert_eq!(umpire.judged("bob"), (11..=16).collect::<Vec<_>>(), "{point}");
    in_order(&umpire.judged_ever("ada"), point);
    second.stop().await;
}

/// After a crash a stretch may be handled again, from somewhere before; never is one left out.
fn in_order(judged: &[u64], point: &str) {
    for (at, ball) in judged.iter().enumerate() {
        let before = judged[..at].iter().max().copied().unwrap_or(0);
        assert!(*ball <= before + 2, "{ball} overtakes at {point}: {judged:?}");
    }
}

#[tokio::test]
async fn before_it_parks() {
    dies_at("park.before", Action::Retry).await;
}

#[tokio::test]
async fn after_it_parked_and_before_its_checkpoint() {
    dies_at("park.after", Action::Retry).await;
}

#[tokio::test]
async fn when_a_drain_begins() {
    dies_at("drain.begun", Action::Retry).await;
}

#[tokio::test]
async fn when_a_discard_is_written_down() {
    dies_at("drain.decided", Action::Discard).await;
}

#[tokio::test]
async fn in_the_middle_of_a_drain() {
    dies_at("drain.handled", Action::Retry).await;
}

#[tokio::test]
async fn after_a_drain_and_before_the_release() {
    dies_at("drain.before-release", Action::Retry).await;
}

#[tokio::test]
async fn after_a_drain_behind_a_discard_and_before_the_release() {
    dies_at("drain.before-release", Action::Discard).await;
}
