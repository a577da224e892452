//! Going back where something stands among the dead letters.

use infrastructure::deadletter::Action;

use super::super::{
    umpire::{Fault, Umpire},
    world::World,
};

#[tokio::test]
async fn what_waits_behind_a_dead_letter_waits_on_and_what_was_before_it_comes_again() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(3, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve("ada", 1).await.position;
    for ball in 2..=5 {
        world.serve("ada", ball).await;
    }
    world.serve("bob", 11).await;
    let letter = world.parked("umpire", "ada").await;
    world.all_handled().await;
    let request = world.reset(first).await;
    world.rewound("umpire", request).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2]);
    assert_eq!(umpire.judged_ever("bob"), [11, 11]);
    umpire.is_mended(3);
    world.ask(&letter, Action::Retry, None).await;
    world.released("umpire", "ada").await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2, 3, 4, 5]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_retry_and_a_reset_at_the_same_time_overtake_nothing() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(3, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve("ada", 1).await.position;
    for ball in 2..=5 {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    world.all_handled().await;
    handlers.stop().await;
    umpire.is_mended(3);
    let request = world.reset(first).await;
    world.ask(&letter, Action::Retry, None).await;
    let handlers = world.steady_handlers(&umpire.composition(), "two").await;
    world.rewound("umpire", request).await;
    world.released("umpire", "ada").await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2, 3, 4, 5]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_discarded_event_stays_discarded() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(2, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve_all("ada", &[1, 2, 3]).await.position;
    let letter = world.parked("umpire", "ada").await;
    world.ask(&letter, Action::Discard, None).await;
    world.released("umpire", "ada").await;
    world.all_handled().await;
    let request = world.reset(first).await;
    world.rewound("umpire", request).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 3, 1, 3]);
    handlers.stop().await;
}
