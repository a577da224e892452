//! Reminders, at most three, each when it is due.

use domain::onboarding::{
    OnboardingError, OnboardingEvent, OnboardingReminded, OnboardingStage, Remind,
};

use super::{at_email, at_profile, at_skills, completed, days, onboarding};

fn reminded(number: u32, next: Option<i64>) -> OnboardingEvent {
    OnboardingReminded { number, remind_at: next.map(days) }.into()
}

#[test]
fn a_person_is_reminded_three_times_and_never_again() {
    onboarding(at_email())
        .when(Remind {})
        .then_refused(OnboardingError::NotDue { due: days(3) })
        .at(days(3))
        .when(Remind {})
        .then([reminded(1, Some(6))])
        .at(days(7))
        .when(Remind {})
        .then([reminded(2, Some(10))])
        .at(days(10))
        .when(Remind {})
        .then([reminded(3, None)])
        .at(days(13))
        .when(Remind {})
        .then_refused(OnboardingError::RemindersExhausted { max: 3 });
}

#[test]
fn whoever_is_done_is_not_reminded() {
    onboarding([at_skills(), vec![completed("home")]].concat())
        .at(days(5))
        .when(Remind {})
        .then_refused(OnboardingError::NotWhile(OnboardingStage::Completed));
}

#[test]
fn a_reminder_moves_nothing() {
    let given = onboarding(at_profile()).at(days(4)).when(Remind {}).then([reminded(1, Some(7))]);
    assert!(given.state().is_open());
}
