//! Ordered dead letters: what fails is set aside, what comes behind it waits, others go on.

mod asked;
mod crashes;
mod limits;
mod rows;

use infrastructure::{
    deadletter::{Action, Body, Class, Standing},
    handler::HandlerState,
};
use nats::Subject;

use super::{
    table_tennis::{POISON, ReturnBalls},
    umpire::{Fault, Umpire},
    world::{World, key, table},
};

#[tokio::test]
async fn a_bug_is_tried_three_times_then_its_key_waits_and_others_go_on() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(2, Fault::Panic);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for (id, ball) in [("ada", 1), ("ada", 2), ("bob", 11), ("ada", 3), ("bob", 12)] {
        world.serve(id, ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    assert_eq!((umpire.judged("ada"), umpire.judged("bob")), (vec![1], vec![11, 12]));
    let parked = &letter.parked;
    assert_eq!((parked.class, parked.attempts, parked.recent.len()), (Class::Bug, 3, 3));
    assert!(parked.first < parked.last && parked.errors[0].contains("panicked"), "{parked:?}");
    assert_eq!(parked.event.kind.as_deref(), Some("server.served"));
    let Body::Text(body) = &parked.original.body else { panic!("{parked:?}") };
    assert_eq!(body.as_bytes(), world.messages().await[1].payload);
    assert!(parked.original.headers.contains_key("Nats-Expected-Last-Subject-Sequence"));
    assert_eq!(world.letters().await.waiting(&letter).await, Ok(1));
    let status = &handlers.status()[0];
    assert_eq!((status.parked, status.waiting), (1, 2), "{status:?}");
    assert_eq!(status.state, HandlerState::Running);
    handlers.stop().await;
}

#[tokio::test]
async fn a_retry_with_success_drains_what_waits_in_order_and_releases_the_key() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=150 {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    assert_eq!(letter.parked.class, Class::Asked);
    world.reached("umpire", world.last().await).await;
    umpire.is_mended(1);
    let (_, ()) = tokio::join!(world.ask(&letter, Action::Retry, None), async {
        for ball in 151..=200 {
            world.serve("ada", ball).await;
        }
    });
    world.released("umpire", "ada").await;
    world.serve("ada", 201).await;
    tests::eventually("all are judged", tests::LIMIT, async || {
        (umpire.judged_ever("ada").len() >= 201).then_some(())
    })
    .await;
    assert_eq!(umpire.judged_ever("ada"), (1..=201).collect::<Vec<_>>());
    let recorded = world.recorded("umpire", "ada").await;
    let kinds: Vec<_> = recorded.iter().map(String::as_str).collect();
    assert_eq!(kinds[..3], ["parked", "requested", "drained"]);
    assert_eq!(kinds.last(), Some(&"released"));
    let status = &handlers.status()[0];
    assert_eq!((status.parked, status.waiting), (0, 0), "{status:?}");
    handlers.stop().await;
}

#[tokio::test]
async fn a_retry_that_fails_leaves_the_key_where_it_was_with_its_attempts_added_up() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Panic);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=3 {
        world.serve("ada", ball).await;
    }
    let first = world.parked("umpire", "ada").await;
    world.ask(&first, Action::Retry, None).await;
    let again = tests::eventually("another attempt", tests::LIMIT, async || {
        let letter = world.parked("umpire", "ada").await;
        (letter.parked.attempts > 3).then_some(letter)
    })
    .await;
    assert_eq!((again.parked.attempts, again.parked.event), (6, first.parked.event));
    assert_eq!((again.parked.first, again.standing), (first.parked.first, Standing::Parked));
    assert!(umpire.judged("ada").is_empty());
    handlers.stop().await;
}

#[tokio::test]
async fn the_next_failure_behind_a_retry_becomes_the_new_head() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    umpire.fails(3, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=5 {
        world.serve("ada", ball).await;
    }
    let first = world.parked("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    umpire.is_mended(1);
    world.ask(&first, Action::Retry, None).await;
    let second = tests::eventually("a new head", tests::LIMIT, async || {
        let letter = world.parked("umpire", "ada").await;
        (letter.at > first.at).then_some(letter)
    })
    .await;
    assert_eq!(umpire.judged("ada"), [1, 2]);
    assert_eq!(second.parked.attempts, 1, "attempts at another event do not count");
    umpire.is_mended(3);
    world.ask(&second, Action::Retry, None).await;
    world.released("umpire", "ada").await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4, 5]);
    handlers.stop().await;
}

#[tokio::test]
async fn poison_as_the_second_event_of_a_commit_keeps_the_third_behind_it() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(2, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    world.serve_all("ada", &[1, 2, 3]).await;
    world.serve("ada", 4).await;
    let letter = world.parked("umpire", "ada").await;
    assert_eq!(letter.at.index, 1);
    world.reached("umpire", world.last().await).await;
    assert_eq!(umpire.judged_ever("ada"), [1]);
    umpire.is_mended(2);
    world.ask(&letter, Action::Retry, None).await;
    world.released("umpire", "ada").await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4], "the first was not handled again");
    handlers.stop().await;
}

#[tokio::test]
async fn a_discarded_event_is_never_handled_and_what_waits_behind_it_is() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(2, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=4 {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    // Mended, and still not handled: discarded is discarded.
    umpire.is_mended(2);
    world.ask(&letter, Action::Discard, None).await;
    world.released("umpire", "ada").await;
    assert_eq!(umpire.judged("ada"), [1, 3, 4]);
    let recorded = world.recorded("umpire", "ada").await;
    assert_eq!(recorded, ["parked", "requested", "discarded", "released"]);
    let facts = world.letters().await.facts("umpire").await.unwrap();
    let id = letter.parked.event.id.unwrap();
    assert!(facts["event.server.ada"].of_event(id).is_some());
    handlers.stop().await;
}

#[tokio::test]
async fn an_overridden_event_is_handled_with_the_other_data_and_the_log_keeps_its_own() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(2, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=3 {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    world.ask(&letter, Action::Override, Some(r#"{"ball":22}"#)).await;
    world.released("umpire", "ada").await;
    assert_eq!(umpire.judged("ada"), [1, 22, 3]);
    assert_eq!(world.balls("server").await["ada"], [1, 2, 3]);
    assert_eq!(
        world.recorded("umpire", "ada").await,
        ["parked", "requested", "overridden", "released"]
    );
    handlers.stop().await;
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_declined_and_the_key_stays_parked() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    world.serve("ada", 1).await;
    let mut letter = world.parked("umpire", "ada").await;
    world.ask(&letter, Action::Override, None).await;
    letter = tests::eventually("it is declined", tests::LIMIT, async || {
        let letter = world.parked("umpire", "ada").await;
        (letter.standing == Standing::Parked).then_some(letter)
    })
    .await;
    letter.parked.event.at.index = 7;
    world.ask(&letter, Action::Discard, None).await;
    tests::eventually("that, too", tests::LIMIT, async || {
        let recorded = world.recorded("umpire", "ada").await;
        (recorded == ["parked", "requested", "declined", "requested", "declined"]).then_some(())
    })
    .await;
    assert!(world.letters().await.get(&key("umpire", "ada")).await.unwrap().is_some());
    handlers.stop().await;
}

#[tokio::test]
async fn what_is_not_a_commit_is_parked_and_can_be_discarded() {
    let world = World::start().await;
    let policy = ReturnBalls::default();
    let handlers = world.steady_handlers(&table().policy(policy), "one").await;
    world.serve("ada", 1).await;
    let subject = Subject::Event { aggregate: "server".into(), id: "bob".parse().unwrap() };
    world.connection.publish(subject.to_string(), "hello \u{1}".into()).await.unwrap();
    let letter = world.parked("return-balls", "bob").await;
    assert_eq!((letter.parked.class, letter.parked.event.id), (Class::Permanent, None));
    assert_eq!(letter.parked.original.body, Body::Text("hello \u{1}".to_owned()));
    world.serve("ada", 2).await;
    world.reached("return-balls", world.last().await).await;
    world.ask(&letter, Action::Discard, None).await;
    world.released("return-balls", "bob").await;
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_of_newer_code_waits_for_that_code() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    world.serve("ada", 1).await;
    let newer = world.messages().await.remove(0).payload;
    let newer = String::from_utf8(newer.to_vec()).unwrap();
    let newer = newer.replace("\"schemaversion\":1", "\"schemaversion\":2");
    let newer = newer.replace("\"subject\":\"ada\"", "\"subject\":\"bob\"");
    world.connection.publish("event.server.bob", newer.into()).await.unwrap();
    let letter = world.parked("umpire", "bob").await;
    assert_eq!((letter.parked.class, letter.parked.attempts), (Class::Schema, 1));
    world.serve("ada", 2).await;
    world.reached("umpire", world.last().await).await;
    assert_eq!(umpire.judged("ada"), [1, 2]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_policy_with_a_bug_is_mended_by_a_new_release_and_a_retry() {
    let world = World::start().await;
    let poisoned = ReturnBalls { poisoned: true, ..Default::default() };
    let handlers = world.steady_handlers(&table().policy(poisoned), "one").await;
    for ball in [1, POISON, 3] {
        world.serve("ada", ball).await;
        world.serve("bob", ball + 1000).await;
    }
    let letter = world.parked("return-balls", "ada").await;
    world.reached("return-balls", world.last().await).await;
    let returned = world.balls("receiver").await;
    assert_eq!((&returned["ada"], &returned["bob"]), (&vec![1], &vec![1001, 1666, 1003]));
    handlers.stop().await;

    let mended = world.steady_handlers(&table().policy(ReturnBalls::default()), "two").await;
    world.serve("ada", 4).await;
    world.reached("return-balls", world.last().await).await;
    assert_eq!(world.balls("receiver").await["ada"], [1], "a new owner keeps it parked");
    assert_eq!(mended.status()[0].waiting, 3);
    world.ask(&letter, Action::Retry, None).await;
    world.released("return-balls", "ada").await;
    assert_eq!(world.balls("receiver").await["ada"], [1, POISON, 3, 4]);
    mended.stop().await;
}
