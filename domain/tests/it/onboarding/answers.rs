//! Every stage and every command, the chart, and the wire.

use domain::onboarding::{
    CancelReason, Onboarding, OnboardingCancelled, OnboardingEvent, OnboardingExpired, examples,
};
use kit::{Aggregate, Chart};

use super::{at_email, at_profile, at_skills, at_verified, completed, noted, verified};
use crate::{answers, wire};

#[test]
fn every_stage_answers_every_command() {
    let expired = [at_skills(), vec![OnboardingExpired {}.into()]].concat();
    let cancelled = OnboardingCancelled { reason: CancelReason::Requested };
    let pasts = [
        vec![],
        vec![noted(verified("home", 4))],
        at_profile(),
        at_email(),
        at_verified(),
        at_skills(),
        [at_skills(), vec![completed("home")]].concat(),
        expired,
        [at_profile(), vec![cancelled.into()]].concat(),
    ];
    insta::assert_snapshot!(answers::table::<Onboarding>(&pasts, &examples::commands()));
}

#[test]
fn the_life_of_an_onboarding() {
    let [chart]: [Chart; 1] = Onboarding::charts().try_into().unwrap();
    assert!(chart.unreached().is_empty() && chart.never_accepted().is_empty());
    assert_eq!(chart.dead_ends(), ["Completed", "Cancelled"]);
    insta::assert_snapshot!(chart.mermaid());
}

#[test]
fn the_wire_of_onboarding_is_kept() {
    wire::is_kept(&examples::events());
    wire::is_readable_for_ever::<OnboardingEvent>();
}
