//! Going back: events are delivered to a handler again, once it was asked for, whatever happens
//! meanwhile.

mod letters;
mod owners;

use infrastructure::{
    deadletter::Record,
    handler::{Acted, HandlerState, Standpoint, acted_on, standpoint, told_of},
};
use kit::Position;
use tests::{LIMIT, eventually};
use uuid::Uuid;

use super::{
    umpire::{Fault, Umpire},
    world::{World, state},
};

const WHO: (&str, &str) = ("a test", "it must");

impl World {
    async fn stands(&self) -> Standpoint {
        standpoint(&self.connection, "umpire").await.unwrap()
    }

    /// Asks for everything from `from` on.
    async fn reset(&self, from: Position) -> Uuid {
        let stands = self.stands().await;
        stands.ask(&self.connection, from, WHO, None).await.unwrap().request
    }

    /// Waits until the owner has gone back. Where it stood.
    async fn rewound(&self, handler: &str, request: Uuid) -> Position {
        eventually("the owner goes back", LIMIT, async || {
            match acted_on(&self.connection, handler, request).await.unwrap() {
                Acted::Done { checkpoint, .. } => Some(checkpoint),
                Acted::NotYet | Acted::Replaced { .. } => None,
            }
        })
        .await
    }

    /// What was recorded about the handler's resets.
    async fn resets(&self, handler: &str) -> Vec<&'static str> {
        let kind = |record| match record {
            Record::Reset(_) => Some("reset"),
            Record::Rewound(_) => Some("rewound"),
            _ => None,
        };
        let told = told_of(&self.connection, handler).await.unwrap();
        told.into_iter().filter_map(|told| kind(told.record.unwrap())).collect()
    }

    /// Waits until everything in the log is handled.
    async fn all_handled(&self) {
        self.reached("umpire", self.last().await).await;
    }
}

#[tokio::test]
async fn a_running_handler_goes_back_and_handles_everything_from_there_again_in_order() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let one = world.steady_handlers(&umpire.composition(), "one").await;
    let two = world.steady_handlers(&umpire.composition(), "two").await;
    let mut positions = Vec::new();
    for ball in 1..=4 {
        positions.push(world.serve("ada", ball).await.position);
    }
    world.all_handled().await;
    let stood = world.report("umpire").await.position;
    let request = world.reset(positions[2]).await;
    assert_eq!(world.rewound("umpire", request).await, stood);
    eventually("they are handled again", LIMIT, async || {
        (umpire.judged_ever("ada") == [1, 2, 3, 4, 3, 4]).then_some(())
    })
    .await;
    world.serve("ada", 5).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4, 3, 4, 5]);
    assert_eq!(world.resets("umpire").await, ["reset", "rewound"]);
    // An owner that begins later does not go back again.
    one.stop().await;
    two.stop().await;
    let three = world.steady_handlers(&umpire.composition(), "three").await;
    world.serve("ada", 6).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 3, 4, 3, 4, 5, 6]);
    three.stop().await;
}

#[tokio::test]
async fn a_handler_that_nobody_runs_goes_back_when_it_is_started() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let one = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve("ada", 1).await.position;
    world.serve("ada", 2).await;
    world.all_handled().await;
    one.stop().await;
    let stands = world.stands().await;
    assert_eq!(stands.owner, None);
    let request = world.reset(first).await;
    assert_eq!(acted_on(&world.connection, "umpire", request).await, Ok(Acted::NotYet));
    world.serve("ada", 3).await;
    let two = world.steady_handlers(&umpire.composition(), "two").await;
    world.rewound("umpire", request).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2, 3]);
    two.stop().await;
}

#[tokio::test]
async fn a_handler_that_has_halted_goes_back_without_being_started_again() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(3, Fault::Halt);
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve("ada", 1).await.position;
    let second = world.serve("ada", 2).await.position;
    world.serve("ada", 3).await;
    let halted = |state: &HandlerState| matches!(state, HandlerState::Halted { .. });
    state(&handlers, "umpire", halted).await;
    world.reached("umpire", second).await;
    // What halted it is still there: it halts again, and goes on listening.
    let request = world.reset(first).await;
    world.rewound("umpire", request).await;
    eventually("it comes to the same event again", LIMIT, async || {
        (umpire.judged_ever("ada") == [1, 2, 1, 2]).then_some(())
    })
    .await;
    state(&handlers, "umpire", halted).await;
    umpire.is_mended(3);
    let request = world.reset(second).await;
    world.rewound("umpire", request).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 1, 2, 2, 3]);
    assert_eq!(world.resets("umpire").await, ["reset", "rewound", "reset", "rewound"]);
    handlers.stop().await;
}

#[tokio::test]
async fn a_second_request_waits_for_the_first_or_names_it() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    let first = world.serve("ada", 1).await.position;
    let second = world.serve("ada", 2).await.position;
    world.all_handled().await;
    handlers.stop().await;
    let client = &world.connection;
    let stale = world.stands().await;
    let request = world.reset(first).await;
    let refused = stale.ask(client, second, WHO, None).await.unwrap_err();
    assert_eq!((refused.status, &*refused.code), (409, "conflict"));
    let stands = world.stands().await;
    assert_eq!(stands.pending.as_ref().map(|it| it.request), Some(request));
    let refused = stands.ask(client, second, WHO, None).await.unwrap_err();
    assert!(refused.detail.contains(&request.to_string()), "{refused}");
    let other = stands.ask(client, second, WHO, Some(request)).await.unwrap().request;
    let replaced = Acted::Replaced { who: WHO.0.to_owned() };
    assert_eq!(acted_on(client, "umpire", request).await, Ok(replaced));
    let handlers = world.steady_handlers(&umpire.composition(), "two").await;
    world.rewound("umpire", other).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 2]);
    // What is done is in nobody's way.
    let request = world.reset(first).await;
    world.rewound("umpire", request).await;
    world.all_handled().await;
    assert_eq!(umpire.judged_ever("ada"), [1, 2, 2, 1, 2]);
    handlers.stop().await;
}

#[tokio::test]
async fn nothing_is_passed_over_and_nothing_unknown_is_reset() {
    let world = World::start().await;
    let umpire = Umpire::default();
    let handlers = world.steady_handlers(&umpire.composition(), "one").await;
    world.serve("ada", 1).await;
    world.all_handled().await;
    let stands = world.stands().await;
    let last = stands.checkpoint;
    assert_eq!(stands.is_past(last.next()), Ok(false));
    for wrong in [last.next().next(), Position(u64::MAX), Position::ZERO] {
        let refused = stands.ask(&world.connection, wrong, WHO, None).await.unwrap_err();
        assert_eq!((refused.status, &*refused.code), (400, "invalid"), "{wrong}");
    }
    for (name, code) in
        [("nobody", "not-found"), ("timers", "not-found"), ("*", "not-found"), ("", "not-found")]
    {
        let refused = standpoint(&world.connection, name).await.unwrap_err();
        assert_eq!(refused.code, code, "{name}");
    }
    assert!(world.resets("umpire").await.is_empty());
    handlers.stop().await;
}
