//! Owners that park, drain, die and come back too late, in any order, on a queue and a log that are
//! only lists. Each owner does what the runtime does, one step at a time, so it can die between any
//! two. What must hold: of each key every event is handled that was not discarded, and none for
//! the first time before all before it.

mod world;

use proptest::prelude::*;

use super::Action;
use world::World;

const KEYS: [&str; 2] = ["event.x.a", "event.x.b"];

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The owner takes its next event.
    Deliver,
    Checkpoint,
    /// The owner dies, or sleeps, and another takes over.
    TakeOver,
    Request(usize, Action),
    /// The owner goes one step further with what is due about a key.
    Drain(usize),
    /// A former owner wakes up and writes what it was about to write.
    LateParks(usize),
    LateReleases(usize),
    Mend(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![Just(Action::Retry), Just(Action::Discard)];
    prop_oneof![
        6 => Just(Step::Deliver),
        2 => Just(Step::Checkpoint),
        2 => Just(Step::TakeOver),
        2 => (0..2_usize, action).prop_map(|(key, action)| Step::Request(key, action)),
        6 => (0..2_usize).prop_map(Step::Drain),
        1 => (0..2_usize).prop_map(Step::LateParks),
        1 => (0..2_usize).prop_map(Step::LateReleases),
        2 => (1..30_u64).prop_map(Step::Mend),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]
    #[test]
    fn no_event_is_lost_and_none_overtakes_whatever_happens_in_between(
        log in prop::collection::vec(0..2_usize, 1..30),
        poison in prop::collection::btree_set(1..30_u64, 0..8),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(log, poison);
        for step in steps {
            world.step(step);
        }
        world.finish();
        world.check();
    }
}
