//! What is recorded about an effect, and how often it happens whatever happens to its owner.

use infrastructure::{
    composition::Composition,
    handler::{BreakerOptions, BreakerState, HandlerOptions, Handlers},
};
use kit::Delivery::{AtLeastOnce, AtMostOnce};
use tests::{LIMIT, eventually};

use super::{
    postman::{Outside, Postman},
    world::{World, table},
};

fn post(postman: &Postman) -> Composition {
    table().effect(postman.clone())
}

async fn history(world: &World, mail: &str, expected: &[&str]) {
    eventually(&format!("the history of {mail} is {expected:?}"), LIMIT, async || {
        (world.mail(mail).await == expected).then_some(())
    })
    .await;
}

/// The owner dies after the outside took the mail and before it could say so.
async fn interrupted(postman: &Postman) -> World {
    let world = World::start().await;
    let owner = world.instance(&post(postman), "one");
    world.request_mail("m").await;
    postman.took.notified().await;
    assert_eq!(world.mail("m").await, ["requested", "sending"]);
    owner.kill().await;
    postman.outside(Outside::Takes);
    world
}

#[tokio::test]
async fn an_effect_records_its_intent_before_and_its_end_after() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Takes);
        let handlers = world.handlers(&post(&postman), "one").await;
        let mail = format!("{delivery:?}");
        world.request_mail(&mail).await;
        history(&world, &mail, &["requested", "sending", "sent"]).await;
        assert_eq!(postman.taken(), [mail]);
        handlers.stop().await;
    }
}

#[tokio::test]
async fn what_happens_at_least_once_happens_again_after_its_owner_died_in_between() {
    let postman = Postman::new(AtLeastOnce, Outside::TakesAndHangs);
    let world = interrupted(&postman).await;
    let handlers = world.handlers(&post(&postman), "two").await;
    history(&world, "m", &["requested", "sending", "sent"]).await;
    assert_eq!(postman.taken(), ["m", "m"]);
    handlers.stop().await;
}

#[tokio::test]
async fn what_happens_at_most_once_does_not_happen_again_and_the_doubt_is_recorded() {
    let postman = Postman::new(AtMostOnce, Outside::TakesAndHangs);
    let world = interrupted(&postman).await;
    let handlers = world.handlers(&post(&postman), "two").await;
    history(&world, "m", &["requested", "sending", "failed"]).await;
    assert_eq!(postman.taken(), ["m"]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_panic_is_not_tried_again_where_it_may_have_happened_already() {
    let world = World::start().await;
    let postman = Postman::new(AtMostOnce, Outside::TakesAndPanics);
    let handlers = world.handlers(&post(&postman), "one").await;
    world.request_mail("m").await;
    history(&world, "m", &["requested", "sending", "failed"]).await;
    assert_eq!(postman.taken(), ["m"]);
    handlers.stop().await;
}

#[tokio::test]
async fn what_is_over_does_not_happen_again_when_all_is_delivered_anew() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Takes);
        let handlers = world.handlers(&post(&postman), "one").await;
        let mail = format!("{delivery:?}");
        world.request_mail(&mail).await;
        history(&world, &mail, &["requested", "sending", "sent"]).await;
        handlers.stop().await;
        world.forget_checkpoint("postman").await;
        let handlers = world.handlers(&post(&postman), "one").await;
        world.reached("postman", world.last().await).await;
        assert_eq!(postman.taken(), std::slice::from_ref(&mail));
        assert_eq!(world.mail(&mail).await, ["requested", "sending", "sent"]);
        handlers.stop().await;
    }
}

/// Waits long once open, so that no probe comes by itself while a test looks.
fn patient(world: &World, instance: &str) -> HandlerOptions {
    let breaker =
        BreakerOptions { open_for: LIMIT * 4, open_for_max: LIMIT * 4, ..BreakerOptions::DEFAULT };
    HandlerOptions { breaker, ..world.options(instance) }
}

async fn opened(handlers: &Handlers) {
    eventually("the breaker is open", LIMIT, async || {
        let breaker = handlers.status().remove(0).breaker?;
        (breaker.state == BreakerState::Open).then_some(())
    })
    .await;
}

#[tokio::test]
async fn while_the_outside_is_away_nobody_asks_it_and_nothing_is_lost() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Away);
        let composition = post(&postman);
        let client = &world.client;
        let handlers = Handlers::start(client, &composition, patient(&world, "one")).await.unwrap();
        let mails: Vec<_> = (0..20).map(|at| format!("{delivery:?}-{at}")).collect();
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
        let handlers = world.handlers(&composition, "two").await;
        for mail in &mails {
            eventually("the mail is sent", LIMIT, async || {
                (world.mail(mail).await.last()? == "sent").then_some(())
            })
            .await;
        }
        let mut taken = postman.taken();
        taken.sort();
        let mut mails = mails;
        mails.sort();
        assert_eq!(taken, mails);
        handlers.stop().await;
    }
}
