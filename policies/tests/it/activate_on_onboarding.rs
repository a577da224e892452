//! Whoever completes onboarding takes part.

use domain::{
    onboarding::{OnboardingCompleted, OnboardingEvent, OnboardingSkillsAdded},
    person::{Activate, Person},
};
use policies::ActivateOnOnboarding;

use crate::sentence::{happened, order, whenever};

#[test]
fn a_completed_onboarding_activates_the_person() {
    let contact = "mail".parse().unwrap();
    let completed = happened::<OnboardingEvent, _>(OnboardingCompleted { contact });
    whenever(&ActivateOnOnboarding, &completed, [order::<Person>("ada", Activate {})]);
}

#[test]
fn an_onboarding_that_goes_on_activates_nobody() {
    let skilled = happened::<OnboardingEvent, _>(OnboardingSkillsAdded {});
    whenever(&ActivateOnOnboarding, &skilled, []);
}
