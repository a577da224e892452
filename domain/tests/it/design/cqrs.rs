//! A request is an aggregate of cqrs-es as well: its own test framework drives it.

use cqrs_es::test::TestFramework;
use domain::design::{Design, DesignError};
use kit::{
    ContextSource,
    scenario::{context, noon},
};

use super::{ask, happened};

fn framework() -> TestFramework<Design> {
    TestFramework::with(ContextSource::new(|| context(noon(), 1)))
}

#[test]
fn a_command_becomes_a_fact() {
    framework()
        .given(["request-created", "request-submitted", "payment-succeeded"].map(happened).to_vec())
        .when(ask("start-design"))
        .then_expect_events(vec![happened("design-started")]);
}

#[test]
fn a_refusal_is_the_same_error() {
    framework()
        .given_no_previous_events()
        .when(ask("quote"))
        .then_expect_error(DesignError::NotFound);
}
