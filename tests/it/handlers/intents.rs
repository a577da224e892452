//! What is recorded about an effect, and how often it happens whatever happens to its owner.

use infrastructure::{
    composition::Composition,
    deadletter::{Action, Key},
};
use kit::Delivery::{AtLeastOnce, AtMostOnce};
use tests::{LIMIT, eventually};

use super::{
    postman::{Outside, Postman},
    world::{World, table},
};

pub(super) fn post(postman: &Postman) -> Composition {
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
        let handlers = world.steady_handlers(&post(&postman), "one").await;
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
    let handlers = world.steady_handlers(&post(&postman), "two").await;
    history(&world, "m", &["requested", "sending", "sent"]).await;
    assert_eq!(postman.taken(), ["m", "m"]);
    handlers.stop().await;
}

#[tokio::test]
async fn what_happens_at_most_once_does_not_happen_again_and_the_doubt_is_recorded() {
    let postman = Postman::new(AtMostOnce, Outside::TakesAndHangs);
    let world = interrupted(&postman).await;
    let handlers = world.steady_handlers(&post(&postman), "two").await;
    history(&world, "m", &["requested", "sending", "failed"]).await;
    assert_eq!(postman.taken(), ["m"]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_bug_is_not_tried_again_where_it_may_have_happened_already() {
    let world = World::start().await;
    for outside in [Outside::TakesAndPanics, Outside::TakesAndBabbles] {
        let postman = Postman::new(AtMostOnce, outside);
        let handlers = world.steady_handlers(&post(&postman), "one").await;
        let mail = format!("{outside:?}");
        world.request_mail(&mail).await;
        history(&world, &mail, &["requested", "sending", "failed"]).await;
        assert_eq!(postman.taken(), [mail]);
        handlers.stop().await;
    }
}

#[tokio::test]
async fn what_is_over_does_not_happen_again_when_all_is_delivered_anew() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Takes);
        let handlers = world.steady_handlers(&post(&postman), "one").await;
        let mail = format!("{delivery:?}");
        world.request_mail(&mail).await;
        history(&world, &mail, &["requested", "sending", "sent"]).await;
        handlers.stop().await;
        world.forget_checkpoint("postman").await;
        let handlers = world.steady_handlers(&post(&postman), "one").await;
        world.reached("postman", world.last().await).await;
        assert_eq!(postman.taken(), std::slice::from_ref(&mail));
        assert_eq!(world.mail(&mail).await, ["requested", "sending", "sent"]);
        handlers.stop().await;
    }
}

#[tokio::test]
async fn a_mail_that_was_set_aside_is_sent_once_somebody_asks_for_it() {
    let world = World::start().await;
    for delivery in [AtLeastOnce, AtMostOnce] {
        let postman = Postman::new(delivery, Outside::Doubtful);
        let handlers = world.steady_handlers(&post(&postman), "one").await;
        let mail = format!("{delivery:?}");
        world.request_mail(&mail).await;
        let id = mail.parse().unwrap();
        let key = Key { handler: "postman".into(), aggregate: "mail".into(), id };
        let letters = world.letters().await;
        let parked = async || letters.get(&key).await.unwrap();
        let letter = eventually("it is set aside", LIMIT, parked).await;
        postman.outside(Outside::Takes);
        world.ask(&letter, Action::Retry, None).await;
        eventually("it is sent", LIMIT, async || {
            (world.mail(&mail).await.last()? == "sent").then_some(())
        })
        .await;
        assert_eq!(postman.taken(), [mail]);
        handlers.stop().await;
    }
}
