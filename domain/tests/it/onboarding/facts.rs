//! Facts move onboarding as far as they reach.

use domain::onboarding::{
    CompleteOnboarding, Fact, NoteEmailAdded, NoteEmailRemoved, NoteEmailUnverified,
    NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended, Onboarding,
    OnboardingError, OnboardingSkillsAdded, OnboardingSkillsSkipped, OnboardingStage,
    OnboardingSteppedBack, SkipSkills, StartOnboarding,
};
use kit::{Version, scenario::given_nothing};

use super::{
    added, at_email, at_profile, at_skills, at_verified, completed, contact, days, email_added,
    email_verified, noted, onboarding, removed, skilled, started, verified,
};

fn note_added(name: &str, as_of: u64) -> NoteEmailAdded {
    NoteEmailAdded { contact: contact(name), as_of: Version(as_of) }
}

fn note_verified(name: &str, as_of: u64) -> NoteEmailVerified {
    NoteEmailVerified { contact: contact(name), as_of: Version(as_of) }
}

fn note_removed(name: &str, as_of: u64) -> NoteEmailRemoved {
    NoteEmailRemoved { contact: contact(name), as_of: Version(as_of) }
}

fn note_skill() -> NoteSkillsAdded {
    NoteSkillsAdded { skills: [contact("rust")].into() }
}

#[test]
fn a_person_is_onboarded_step_by_step() {
    given_nothing::<Onboarding>()
        .when(StartOnboarding { deadline: None })
        .then([started()])
        .when(note_added("home", 2))
        .then([noted(added("home", 2)), email_added("home")])
        .when(note_verified("home", 4))
        .then([noted(verified("home", 4)), email_verified("home")])
        .when(note_skill())
        .then([noted(skilled()), OnboardingSkillsAdded {}.into()])
        .when(CompleteOnboarding {})
        .then([completed("home")]);
}

#[test]
fn a_deadline_lies_ahead() {
    given_nothing::<Onboarding>()
        .when(StartOnboarding { deadline: Some(days(0)) })
        .then_refused(OnboardingError::DeadlinePassed);
}

#[test]
fn nothing_is_noted_of_a_person_who_is_not_onboarded() {
    given_nothing::<Onboarding>()
        .when(note_added("home", 2))
        .then_refused(OnboardingError::NotStarted);
}

#[test]
fn a_verified_email_may_overtake_the_start() {
    given_nothing::<Onboarding>()
        .when(note_verified("home", 4))
        .then([noted(verified("home", 4))])
        .when(CompleteOnboarding {})
        .then_refused(OnboardingError::NotStarted)
        .when(StartOnboarding { deadline: None })
        .then([started(), email_added("home"), email_verified("home")]);
}

#[test]
fn an_email_verified_before_it_was_noted_as_added_counts_at_once() {
    let verified_first = [noted(verified("home", 4)), email_added("home"), email_verified("home")];
    onboarding(at_profile())
        .when(note_verified("home", 4))
        .then(verified_first)
        .when(note_added("home", 2))
        .then_unchanged();
}

#[test]
fn skills_noted_first_count_as_soon_as_an_email_is_verified() {
    onboarding(at_profile())
        .when(note_skill())
        .then([noted(skilled())])
        .when(note_added("home", 2))
        .then([noted(added("home", 2)), email_added("home")])
        .when(note_verified("home", 4))
        .then([
            noted(verified("home", 4)),
            email_verified("home"),
            OnboardingSkillsAdded {}.into(),
        ]);
}

#[test]
fn the_email_that_is_verified_first_is_followed() {
    onboarding(at_email())
        .when(note_added("work", 3))
        .then([noted(added("work", 3))])
        .when(note_verified("work", 5))
        .then([noted(verified("work", 5)), email_verified("work")])
        .when(note_verified("home", 6))
        .then([noted(verified("home", 6))]);
}

#[test]
fn an_earlier_verification_that_is_noted_late_is_followed_from_then_on() {
    onboarding(at_skills())
        .when(note_verified("work", 3))
        .then([noted(verified("work", 3)), email_verified("work")]);
}

#[test]
fn without_its_email_onboarding_steps_back() {
    onboarding(at_email()).when(note_removed("home", 5)).then([
        noted(removed("home", 5)),
        OnboardingSteppedBack { contact: contact("home") }.into(),
    ]);
}

#[test]
fn a_released_email_steps_back_to_added_and_must_be_verified_again() {
    let unverified = Fact::EmailUnverified { contact: contact("home"), as_of: Version(5) };
    onboarding(at_skills())
        .when(NoteEmailUnverified { contact: contact("home"), as_of: Version(5) })
        .then([
            noted(unverified),
            OnboardingSteppedBack { contact: contact("home") }.into(),
            email_added("home"),
        ])
        .when(note_verified("home", 4))
        .then_unchanged()
        .when(note_verified("home", 6))
        .then([
            noted(verified("home", 6)),
            email_verified("home"),
            OnboardingSkillsAdded {}.into(),
        ]);
}

#[test]
fn an_email_removed_before_it_was_noted_as_added_never_counts() {
    onboarding(at_profile())
        .when(note_removed("home", 5))
        .then([noted(removed("home", 5))])
        .when(note_verified("home", 4))
        .then_unchanged();
}

#[test]
fn a_named_user_may_skip_skills_and_the_skip_is_remembered() {
    onboarding(at_verified())
        .when(SkipSkills {})
        .then_refused(OnboardingError::ActorRequired)
        .by("grace")
        .when(SkipSkills {})
        .then([OnboardingSkillsSkipped {}.into()])
        .when(note_removed("home", 5))
        .then([
            noted(removed("home", 5)),
            OnboardingSteppedBack { contact: contact("home") }.into(),
        ])
        .when(note_verified("work", 7))
        .then([
            noted(verified("work", 7)),
            email_added("work"),
            email_verified("work"),
            OnboardingSkillsSkipped {}.into(),
        ]);
}

#[test]
fn skills_cannot_be_skipped_before_an_email_is_verified() {
    onboarding(at_email())
        .by("grace")
        .when(SkipSkills {})
        .then_refused(OnboardingError::NotWhile(OnboardingStage::EmailAdded));
}

#[test]
fn a_suspended_person_completes_only_when_reactivated() {
    onboarding(at_skills())
        .when(NoteSuspended { as_of: Version(7) })
        .then([noted(Fact::Suspended { as_of: Version(7) })])
        .when(CompleteOnboarding {})
        .then_refused(OnboardingError::PersonSuspended)
        .when(NoteReactivated { as_of: Version(8) })
        .then([noted(Fact::Reactivated { as_of: Version(8) })])
        .when(NoteSuspended { as_of: Version(7) })
        .then_unchanged()
        .when(CompleteOnboarding {})
        .then([completed("home")]);
}

#[test]
fn what_comes_after_completion_changes_nothing() {
    onboarding([at_skills(), vec![completed("home")]].concat())
        .when(note_removed("home", 9))
        .then_unchanged()
        .when(CompleteOnboarding {})
        .then_unchanged();
}

#[test]
fn one_onboarding_remembers_a_bounded_number_of_facts() {
    let many = (0..201).map(|at| contact(&format!("skill-{at}"))).collect();
    onboarding(at_profile())
        .when(NoteSkillsAdded { skills: many })
        .then_refused(OnboardingError::TooManyFacts);
}
