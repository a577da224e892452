//! Owners that die or stand still while they go back.

use std::sync::Arc;

use infrastructure::handler::standpoint;
use kit::Position;
use tests::{LIMIT, eventually};

use super::{
    super::{
        table_tennis::{Gate, ReturnBalls},
        umpire::Umpire,
        world::{World, table},
    },
    WHO,
};

/// The owner dies at `point`, and another takes over.
async fn dies_at(point: &str) {
    let world = World::start().await;
    let umpire = Umpire::default();
    let composition = umpire.composition();
    let one = world.doomed(&composition, "one", point);
    let first = world.serve("ada", 1).await.position;
    world.serve("ada", 2).await;
    world.all_handled().await;
    let stood = world.report("umpire").await.position;
    let request = world.reset(first).await;
    one.dies().await;
    let two = world.steady_handlers(&composition, "one").await;
    assert_eq!(
        world.rewound("umpire", request).await,
        stood,
        "{point}: where it stood is not forgotten"
    );
    world.serve("ada", 3).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2, 3], "{point}");
    assert_eq!(world.resets("umpire").await, ["reset", "rewound"], "{point}");
    two.stop().await;
}

#[tokio::test]
async fn an_owner_that_dies_before_it_goes_back_has_the_next_one_do_it() {
    dies_at("reset.before").await;
}

#[tokio::test]
async fn an_owner_that_dies_after_it_went_back_does_not_have_the_next_one_do_it_again() {
    dies_at("reset.moved").await;
}

#[tokio::test]
async fn an_owner_that_dies_after_it_has_told_so_has_nothing_done_twice() {
    dies_at("reset.told").await;
}

#[tokio::test]
async fn an_owner_that_is_paused_meanwhile_neither_stops_it_nor_takes_it_back() {
    let world = World::start().await;
    let (gate, seen) = (Gate::default(), Arc::default());
    let sleeper = ReturnBalls { gate: gate.clone(), ..Default::default() };
    let first = world.serve("ada", 101).await.position;
    world.serve("ada", 102).await;
    gate.close_for(103);
    let one = world.instance(&table().policy(sleeper), "one");
    world.reached("return-balls", Position(2)).await;
    world.serve("ada", 103).await;
    eventually("the owner is stopped", LIMIT, async || gate.someone_waits().then_some(())).await;
    let stands = standpoint(&world.connection, "return-balls").await.unwrap();
    let request = stands.ask(&world.connection, first, WHO, None).await.unwrap().request;
    let healthy = ReturnBalls { seen: Arc::clone(&seen), ..Default::default() };
    let two = world.steady_handlers(&table().policy(healthy), "two").await;
    world.rewound("return-balls", request).await;
    let epoch = world.owned_by("return-balls", "two").await.epoch;
    gate.open();
    world.serve("ada", 104).await;
    world.reached("return-balls", world.last().await).await;
    assert_eq!(*seen.lock().unwrap(), [101, 102, 103, 104]);
    // The commands have derived ids: each is carried out once, however often it is sent.
    assert_eq!(world.balls("receiver").await, world.balls("server").await);
    let report = world.report("return-balls").await;
    assert_eq!((report.owner.as_deref(), report.epoch), (Some("two"), epoch));
    assert_eq!(world.resets("return-balls").await, ["reset", "rewound"]);
    one.kill().await;
    two.stop().await;
}
