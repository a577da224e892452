//! What people ask for, whatever else is going on: it is done, and it is decided anew.

use std::sync::{Arc, Mutex};

use infrastructure::{deadletter::Action, fail_points::FailPoints, handler::HandlerOptions};
use kit::{Order, Policy, Reaction, Recorded, Refused, Retries, Start};
use tests::{LIMIT, eventually};

use super::super::{
    table_tennis::{Receiver, Return, SOON, Served, ServerEvent, UNLUCKY},
    umpire::{Fault, Umpire},
    world::{World, table},
};

/// More keys than are drained at the same time.
const MANY: u64 = 20;

#[tokio::test]
async fn what_is_discarded_goes_though_a_retry_of_it_and_of_many_others_meets_an_outage() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let options = HandlerOptions { waiting_attempts_min: 3, ..world.steady("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    let id = |ball: u64| format!("id-{ball}");
    for ball in 1..=MANY {
        umpire.fails(ball, Fault::Park);
        world.serve(&id(ball), ball).await;
        world.serve(&id(ball), 100 + ball).await;
    }
    for ball in 1..=MANY {
        let letter = world.parked("umpire", &id(ball)).await;
        umpire.fails(ball, Fault::Away);
        world.ask(&letter, Action::Retry, None).await;
    }
    eventually("all of them fail again", LIMIT, async || {
        (handlers.status()[0].retries > 4 * MANY).then_some(())
    })
    .await;
    for ball in 1..=MANY {
        let letter = world.parked("umpire", &id(ball)).await;
        world.ask(&letter, Action::Discard, None).await;
    }
    for ball in 1..=MANY {
        world.released("umpire", &id(ball)).await;
        assert_eq!(umpire.judged_ever(&id(ball)), [100 + ball]);
    }
    handlers.stop().await;
}

#[tokio::test]
async fn a_retry_that_meets_an_outage_behind_the_first_event_goes_on_from_there() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let options = HandlerOptions { waiting_attempts_min: 2, ..world.steady("one") };
    umpire.fails(1, Fault::Park);
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    for ball in 1..=5 {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    umpire.is_mended(1);
    umpire.fails(4, Fault::Away);
    world.ask(&letter, Action::Retry, None).await;
    eventually("it rests several times", LIMIT, async || {
        (handlers.status()[0].retries > 10).then_some(())
    })
    .await;
    umpire.is_mended(4);
    world.released("umpire", "ada").await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4, 5], "nothing is handled twice");
    let recorded = world.recorded("umpire", "ada").await;
    assert_eq!(recorded, ["parked", "requested", "drained", "released"]);
    handlers.stop().await;
}

/// Returns balls, and is at a loss when one is refused.
#[derive(Debug, Clone, Default)]
struct AtALoss(Arc<Mutex<usize>>);

impl Policy for AtALoss {
    const NAME: &'static str = "at-a-loss";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    type When = ServerEvent;

    fn react(&self, event: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Reaction>> {
        let ServerEvent::Served(Served { ball }) = &event.event;
        Ok(vec![Order::to::<Receiver>(&event.aggregate_id, Return { ball: *ball })?.into()])
    }

    fn on_refused(&self, _: &Recorded<ServerEvent>, _: &Refused) -> serde_json::Result<Vec<Order>> {
        *self.0.lock().unwrap() += 1;
        panic!("what now?")
    }
}

#[tokio::test]
async fn an_order_that_was_refused_is_decided_anew_when_somebody_has_the_event_tried_again() {
    let world = World::start().await;
    let policy = AtALoss::default();
    let composition = table().policy(policy.clone());
    let handlers = world.steady_handlers(&composition, "one").await;
    world.serve("ada", UNLUCKY).await;
    let letter = world.parked("at-a-loss", "ada").await;
    world.ask(&letter, Action::Override, Some(r#"{"ball":14}"#)).await;
    world.released("at-a-loss", "ada").await;
    assert_eq!(world.balls("receiver").await["ada"], [14]);
    handlers.stop().await;
    // The refusal of then is over also for whoever handles the event once more.
    let asked = *policy.0.lock().unwrap();
    world.forget_checkpoint("at-a-loss").await;
    let handlers = world.steady_handlers(&composition, "one").await;
    world.reached("at-a-loss", world.last().await).await;
    assert_eq!(world.balls("receiver").await["ada"], [14]);
    assert_eq!(*policy.0.lock().unwrap(), asked);
    handlers.stop().await;
}

#[tokio::test]
async fn a_failure_of_very_many_words_is_parked_with_the_first_of_them() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Rant);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    world.serve("ada", 1).await;
    let letter = world.parked("umpire", "ada").await;
    assert!(letter.parked.errors[0].starts_with("as it was told") && letter.parked.attempts == 1);
    handlers.stop().await;
}

#[tokio::test]
async fn what_waits_is_counted_once_though_more_comes_while_a_new_owner_counts() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    for ball in 1..=3 {
        world.serve("ada", ball).await;
    }
    world.parked("umpire", "ada").await;
    handlers.stop().await;
    let fail_points = FailPoints::default();
    let held = fail_points.hold("begin.counts");
    let options = HandlerOptions { fail_points, ..world.steady("two") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    held.reached().await;
    for ball in 4..=5 {
        world.serve("ada", ball).await;
    }
    held.release();
    world.reached("umpire", world.last().await).await;
    assert_eq!(handlers.status()[0].waiting, 5);
    handlers.stop().await;
}

#[tokio::test]
async fn who_stops_finishes_what_runs_and_begins_nothing() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Slow);
    let options = HandlerOptions { lanes_max: 1, ..world.steady("one") };
    let handlers = world.handlers_with(&umpire.composition(), options).await;
    world.serve("ada", 1).await;
    umpire.begun.notified().await;
    for (id, ball) in [("bob", 11), ("cleo", 21)] {
        world.serve(id, ball).await;
    }
    eventually("all of them are in hand", LIMIT, async || {
        (handlers.status()[0].lag == 3).then_some(())
    })
    .await;
    tokio::join!(handlers.stop(), async { umpire.whistle.notify_one() });
    let judged = ["ada", "bob", "cleo"].map(|id| umpire.judged_ever(id).len());
    assert_eq!(judged, [1, 0, 0]);
    let handlers = world.steady_handlers(&umpire.composition(), "two").await;
    world.reached("umpire", world.last().await).await;
    assert_eq!((umpire.judged_ever("bob"), umpire.judged_ever("cleo")), (vec![11], vec![21]));
    handlers.stop().await;
}
