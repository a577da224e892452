//! What an effect does while the outside is away, and when it is back.

use std::time::Duration;

use infrastructure::handler::{BreakerOptions, BreakerState, HandlerOptions, Handlers};
use kit::Delivery::{AtLeastOnce, AtMostOnce};
use tests::{LIMIT, eventually};

use super::{
    intents::post,
    postman::{Outside, Postman},
    world::World,
};

/// Waits long once open, so that no probe comes by itself while a test looks.
fn patient(world: &World, instance: &str) -> HandlerOptions {
    let breaker =
        BreakerOptions { open_for: LIMIT * 4, open_for_max: LIMIT * 4, ..BreakerOptions::DEFAULT };
    HandlerOptions { breaker, ..world.steady(instance) }
}

async fn opened(handlers: &Handlers) {
    eventually("the breaker is open", LIMIT, async || {
        let breaker = handlers.status().remove(0).breaker?;
        (breaker.state == BreakerState::Open).then_some(())
    })
    .await;
}

async fn all_sent(world: &World, mails: &[String]) {
    for mail in mails {
        eventually(&format!("{mail} is sent"), LIMIT, async || {
            (world.mail(mail).await.last()? == "sent").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn while_the_outside_is_away_nobody_asks_it_and_nothing_is_lost() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Away);
        let composition = post(&postman);
        let handlers = world.handlers_with(&composition, patient(&world, "one")).await;
        let mut mails: Vec<_> = (0..20).map(|at| format!("{delivery:?}-{at:02}")).collect();
        for mail in &mails {
            world.request_mail(mail).await;
        }
        opened(&handlers).await;
        let report = eventually("the breaker is reported", LIMIT, async || {
            let report = world.report("postman").await;
            let open = report.breaker.as_ref()?.state == BreakerState::Open;
            open.then_some(report)
        })
        .await;
        assert_eq!(report.breaker.unwrap().dependency, "post");
        // Those that were on their way when it opened may have asked, too.
        let asked = postman.asked();
        assert!(asked <= 5 + world.options("one").lanes_max, "{asked}");
        handlers.stop().await;
        postman.outside(Outside::Takes);
        let handlers = world.steady_handlers(&composition, "two").await;
        all_sent(&world, &mails).await;
        let mut taken = postman.taken();
        taken.sort();
        mails.sort();
        assert_eq!(taken, mails);
        handlers.stop().await;
    }
}

#[tokio::test]
async fn more_events_than_places_wait_out_an_outage_and_are_handled_when_it_is_over() {
    let world = World::start().await;
    let postman = Postman::new(AtLeastOnce, Outside::Away);
    let (soon, later) = (Duration::from_millis(5), Duration::from_millis(20));
    let breaker = BreakerOptions { failures_max: 2, open_for: soon, open_for_max: later };
    let options = HandlerOptions { breaker, lanes_max: 2, ..world.steady("one") };
    let handlers = world.handlers_with(&post(&postman), options).await;
    let mails: Vec<_> = (0..12).map(|at| format!("m{at}")).collect();
    for mail in &mails {
        world.request_mail(mail).await;
    }
    eventually("many probes have failed", LIMIT, async || (postman.asked() >= 24).then_some(()))
        .await;
    postman.outside(Outside::Takes);
    all_sent(&world, &mails).await;
    handlers.stop().await;
}

#[tokio::test]
async fn ends_that_nobody_sees_open_the_breaker_before_all_is_given_up() {
    let world = World::start().await;
    let postman = Postman::new(AtMostOnce, Outside::TakesAndCuts);
    let options = HandlerOptions { lanes_max: 1, ..patient(&world, "one") };
    let handlers = world.handlers_with(&post(&postman), options).await;
    let mails: Vec<_> = (0..12).map(|at| format!("m{at:02}")).collect();
    for mail in &mails {
        world.request_mail(mail).await;
    }
    opened(&handlers).await;
    let given_up = u32::try_from(postman.taken().len()).unwrap();
    assert_eq!(given_up, BreakerOptions::DEFAULT.failures_max);
    handlers.stop().await;
    postman.outside(Outside::Takes);
    let handlers = world.steady_handlers(&post(&postman), "two").await;
    let lost = postman.taken();
    let rest: Vec<_> = mails.iter().filter(|mail| !lost.contains(mail)).cloned().collect();
    all_sent(&world, &rest).await;
    for mail in lost {
        assert_eq!(world.mail(&mail).await, ["requested", "sending", "failed"]);
    }
    handlers.stop().await;
}

#[tokio::test]
async fn what_happens_at_least_once_is_repeated_when_nobody_saw_its_end() {
    let world = World::start().await;
    let postman = Postman::new(AtLeastOnce, Outside::TakesAndCuts);
    let handlers = world.steady_handlers(&post(&postman), "one").await;
    world.request_mail("m").await;
    postman.took.notified().await;
    postman.outside(Outside::Takes);
    all_sent(&world, &["m".to_owned()]).await;
    assert!(postman.taken().len() >= 2, "{:?}", postman.taken());
    handlers.stop().await;
}
