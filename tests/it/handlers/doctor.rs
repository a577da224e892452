//! What doctor says of handlers that are in trouble, and what to do next.

use infrastructure::{
    doctor::{Report, examine},
    handler::{BreakerOptions, HandlerOptions, HandlerState},
    provision::ProvisionOptions,
};
use kit::Delivery::AtLeastOnce;
use tests::{LIMIT, eventually};

use super::{
    intents::post,
    postman::{Outside, Postman},
    table_tennis::{Bell, POISON, Watch},
    umpire::{Fault, Umpire},
    world::{World, state, table},
};

async fn doctor(world: &World) -> Report {
    examine(&world.connection, &ProvisionOptions::default()).await.unwrap()
}

/// Waits until one of what `told` picks begins and ends like this.
async fn says(world: &World, told: fn(&Report) -> &[String], begins: &str, ends: &str) -> Report {
    eventually(&format!("doctor says {begins} ... {ends}"), LIMIT, async || {
        let report = doctor(world).await;
        let said = told(&report).iter().any(|it| it.starts_with(begins) && it.ends_with(ends));
        said.then_some(report)
    })
    .await
}

fn problems(report: &Report) -> &[String] {
    &report.problems
}

fn warnings(report: &Report) -> &[String] {
    &report.warnings
}

#[tokio::test]
async fn dead_letters_are_a_warning_that_names_where_to_look() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let handlers = world.handlers(&umpire.composition(), "one").await;
    world.serve("ada", 1).await;
    world.serve("ada", 2).await;
    let begins = "effect umpire has 1 keys among the dead letters, with 2 commits";
    let report =
        says(&world, warnings, begins, "`headwater dlq list --handler umpire` shows them").await;
    assert!(report.is_healthy(), "a person's decision is outstanding, and no more: {report}");
    handlers.stop().await;
}

#[tokio::test]
async fn a_handler_that_halted_or_runs_nowhere_is_a_problem_with_a_way_out() {
    let world = World::start().await;
    let composition = table().effect(Bell::default()).policy(Watch::default());
    let handlers = world.handlers(&composition, "one").await;
    world.serve("ada", POISON).await;
    state(&handlers, "bell", |state| matches!(state, HandlerState::Halted { .. })).await;
    let ends = "nothing is skipped: mend the cause and restart one";
    says(&world, problems, "effect bell halted: ", ends).await;
    handlers.stop().await;
    let report = doctor(&world).await;
    for told in [
        "policy watch runs nowhere; start an instance that runs policies",
        "duty timers runs nowhere; start an instance that runs it",
    ] {
        assert!(report.problems.iter().any(|problem| problem == told), "{report}");
    }
}

#[tokio::test]
async fn an_open_breaker_is_a_warning_that_says_nothing_is_lost() {
    let world = World::start().await;
    let postman = Postman::new(AtLeastOnce, Outside::Away);
    let breaker =
        BreakerOptions { open_for: LIMIT, open_for_max: LIMIT, ..BreakerOptions::DEFAULT };
    let options = HandlerOptions { breaker, ..world.options("one") };
    let handlers = world.handlers_with(&post(&postman), options).await;
    world.request_mail("m").await;
    let ends = "nothing is lost, and it is asked again now and then";
    says(&world, warnings, "effect postman waits for post: 5 failures in a row", ends).await;
    handlers.stop().await;
}

#[tokio::test]
async fn a_handler_that_falls_behind_is_a_warning_with_its_rate_while_one_that_catches_up_is_not() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(0, Fault::Away);
    let options = HandlerOptions { window_max: 1, ..world.options("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    world.serve("ada", 0).await;
    let mut balls = 1..;
    eventually("doctor says that it falls behind", LIMIT, async || {
        world.serve("bob", balls.next()?).await;
        let report = doctor(&world).await;
        let (begins, ends) = ("effect umpire is ", "it handles 0.0 events a second");
        let said = |it: &&String| it.starts_with(begins) && it.ends_with(ends);
        let said = report.warnings.iter().find(said)?;
        assert!(!report.to_string().contains("all is well"), "{report}");
        said.contains("and more each time").then_some(())
    })
    .await;
    umpire.is_mended(0);
    world.reached("umpire", world.last().await).await;
    eventually("doctor has nothing to say", LIMIT, async || {
        doctor(&world).await.warnings.is_empty().then_some(())
    })
    .await;
    handlers.stop().await;
}
