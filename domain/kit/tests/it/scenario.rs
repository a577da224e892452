//! A scenario sees what a rule forgot.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kit::scenario::{Given, given, given_nothing};

use crate::lamp::{Burst, Douse, Lamp, LampError, Light, Polish, Polished, lit};

/// Whether the scenario fails.
fn fails(scenario: impl FnOnce() -> Given<Lamp>) -> bool {
    catch_unwind(AssertUnwindSafe(scenario)).is_err()
}

#[test]
fn a_scenario_goes_on_from_where_it_is() {
    given_nothing::<Lamp>()
        .when(Light { lumens: 800 })
        .then([lit(800)])
        .when(Light { lumens: 800 })
        .then_unchanged()
        .when(Light { lumens: 200 })
        .then([lit(200)]);
    given::<Lamp>([Burst {}.into()]).when(Douse {}).then_refused(LampError);
}

#[test]
fn another_outcome_fails_it() {
    let lamp = given_nothing::<Lamp>;
    assert!(fails(|| lamp().when(Light { lumens: 800 }).then([lit(801)])));
    assert!(fails(|| lamp().when(Light { lumens: 800 }).then_unchanged()));
    assert!(fails(|| lamp().when(Light { lumens: 800 }).then_refused(LampError)));
}

#[test]
fn a_command_that_does_the_same_thing_twice_fails_it_unless_it_is_said_to_count() {
    let polished = || given_nothing::<Lamp>().when(Polish {});
    assert!(fails(|| polished().then([Polished {}.into()])));
    assert!(!fails(|| polished().then_each_time([Polished {}.into()])));
}
