//! A person is an aggregate of cqrs-es as well: its own test framework drives it.

use cqrs_es::test::TestFramework;
use domain::person::{Person, PersonError};
use kit::{
    ContextSource,
    scenario::{context, noon},
};

use super::{ask, happened};

fn framework() -> TestFramework<Person> {
    TestFramework::with(ContextSource::new(|| context(noon(), 1)))
}

#[test]
fn a_command_becomes_a_fact() {
    framework()
        .given(vec![happened("person-created")])
        .when(ask("tag"))
        .then_expect_events(vec![happened("tagged")]);
}

#[test]
fn a_refusal_is_the_same_error() {
    framework()
        .given_no_previous_events()
        .when(ask("tag"))
        .then_expect_error(PersonError::NotFound);
}
