//! Expiry, cancellation, and another chance.

use domain::onboarding::{
    Cancel, CancelReason, CompleteOnboarding, Expire, NoteSkillsAdded, OnboardingCancelled,
    OnboardingError, OnboardingEvent, OnboardingExpired, OnboardingReopened, OnboardingSkillsAdded,
    OnboardingStage, Reopen,
};

use super::{
    at_email, at_profile, at_skills, at_verified, completed, contact, days, email_added,
    email_verified, noted, onboarding, skilled,
};

fn expired() -> OnboardingEvent {
    OnboardingExpired {}.into()
}

fn reopened() -> OnboardingEvent {
    OnboardingReopened { deadline: days(34), remind_at: days(23) }.into()
}

fn cancelled() -> OnboardingEvent {
    OnboardingCancelled { reason: CancelReason::Death }.into()
}

#[test]
fn an_onboarding_expires_at_its_deadline_and_not_before() {
    for open in [at_profile(), at_email(), at_verified(), at_skills()] {
        onboarding(open)
            .at(days(13))
            .when(Expire {})
            .then_refused(OnboardingError::NotDue { due: days(14) })
            .at(days(14))
            .when(Expire {})
            .then([expired()]);
    }
}

#[test]
fn what_is_completed_does_not_expire() {
    onboarding([at_skills(), vec![completed("home")]].concat())
        .at(days(20))
        .when(Expire {})
        .then_refused(OnboardingError::NotWhile(OnboardingStage::Completed));
}

#[test]
fn a_reopened_onboarding_stands_where_its_facts_reach() {
    onboarding([at_verified(), vec![expired()]].concat())
        .at(days(20))
        .when(NoteSkillsAdded { skills: [contact("rust")].into() })
        .then([noted(skilled())])
        .when(Reopen { deadline: None })
        .then([
            reopened(),
            email_added("home"),
            email_verified("home"),
            OnboardingSkillsAdded {}.into(),
        ])
        .when(CompleteOnboarding {})
        .then([completed("home")]);
}

#[test]
fn only_what_expired_is_reopened() {
    onboarding(at_email()).when(Reopen { deadline: None }).then_unchanged();
    onboarding([at_email(), vec![cancelled()]].concat())
        .when(Reopen { deadline: None })
        .then_refused(OnboardingError::NotWhile(OnboardingStage::Cancelled));
}

#[test]
fn a_reopened_onboarding_has_a_deadline_ahead() {
    onboarding([at_email(), vec![expired()]].concat())
        .at(days(20))
        .when(Reopen { deadline: Some(days(15)) })
        .then_refused(OnboardingError::DeadlinePassed);
}

#[test]
fn an_open_or_expired_onboarding_is_cancelled_for_good() {
    let expired = [at_email(), vec![expired()]].concat();
    for past in [at_profile(), at_email(), at_verified(), at_skills(), expired] {
        onboarding(past)
            .when(Cancel { reason: CancelReason::Death })
            .then([cancelled()])
            .when(CompleteOnboarding {})
            .then_refused(OnboardingError::NotWhile(OnboardingStage::Cancelled));
    }
}

#[test]
fn what_is_completed_is_not_cancelled() {
    onboarding([at_skills(), vec![completed("home")]].concat())
        .when(Cancel { reason: CancelReason::Death })
        .then_refused(OnboardingError::NotWhile(OnboardingStage::Completed));
}
