//! Whether an owner that is shown still lives.

use infrastructure::{doctor::examine, provision::ProvisionOptions};
use tests::{LIMIT, eventually};

use super::{
    table_tennis::Watch,
    world::{World, table},
};

#[tokio::test]
async fn an_owner_that_died_is_told_from_one_that_lives() {
    let world = World::start().await;
    let composition = table().policy(Watch::default());
    let instance = world.instance(&composition, "one");
    let alive = world.owned_by("watch", "one").await;
    assert!(!alive.stale && alive.renewed_ms.is_some(), "{alive:?}");
    let options = ProvisionOptions::default();
    let report = examine(&world.connection, &options).await.unwrap();
    assert!(report.is_healthy(), "{report}");

    instance.kill().await;
    let dead = eventually("the lease is stale", LIMIT, async || {
        Some(world.report("watch").await).filter(|report| report.stale)
    })
    .await;
    assert_eq!((dead.owner.as_deref(), dead.epoch), (Some("one"), alive.epoch));
    let report = examine(&world.connection, &options).await.unwrap();
    let told = "policy watch is stale: its owner one has not renewed";
    assert!(report.problems.iter().any(|problem| problem.starts_with(told)), "{report}");
    assert!(report.to_string().contains("one (stale)"), "{report}");

    let again = world.handlers(&composition, "two").await;
    let taken = world.owned_by("watch", "two").await;
    assert!(!taken.stale, "{taken:?}");
    again.stop().await;
    assert!(!world.report("watch").await.stale, "a lease that was given back is not late");
}
