//! One example of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use chrono::{DateTime, TimeDelta, Utc};
use kit::{PartId, Version, scenario::noon};
use uuid::Uuid;

use super::{
    Cancel, CancelReason, CompleteOnboarding, Expire, Fact, NoteEmailAdded, NoteEmailRemoved,
    NoteEmailUnverified, NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended,
    OnboardingCancelled, OnboardingCommand, OnboardingCompleted, OnboardingEmailAdded,
    OnboardingEmailVerified, OnboardingEvent, OnboardingExpired, OnboardingFactNoted,
    OnboardingReminded, OnboardingReopened, OnboardingSkillsAdded, OnboardingSkillsSkipped,
    OnboardingStarted, OnboardingSteppedBack, Remind, Reopen, SkipSkills, StartOnboarding,
};

/// The contact that examples speak of.
#[must_use]
pub fn contact() -> PartId {
    Uuid::from_u128(0x1f0c_9a52_7d1e_5b7a_8c3d_0242_ac12_0002).into()
}

fn rust() -> PartId {
    Uuid::from_u128(0x2a51_44d0_0b6f_5c11_9e0a_0242_ac12_0002).into()
}

fn days(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

/// Every kind of fact.
#[must_use]
pub fn facts() -> Vec<Fact> {
    vec![
        Fact::EmailAdded { contact: contact(), as_of: Version(2) },
        Fact::EmailVerified { contact: contact(), as_of: Version(4) },
        Fact::EmailUnverified { contact: contact(), as_of: Version(5) },
        Fact::EmailRemoved { contact: contact(), as_of: Version(6) },
        Fact::SkillsAdded { skills: [rust()].into() },
        Fact::Suspended { as_of: Version(7) },
        Fact::Reactivated { as_of: Version(8) },
    ]
}

/// Every event, in each variant that matters.
#[must_use]
pub fn events() -> Vec<OnboardingEvent> {
    let started = OnboardingStarted { deadline: days(14), remind_at: days(3) };
    let noted = facts().into_iter().map(|fact| OnboardingFactNoted { fact }.into());
    let mut events = vec![started.into()];
    events.extend(noted);
    events.extend([
        OnboardingEmailAdded { contact: contact() }.into(),
        OnboardingEmailVerified { contact: contact() }.into(),
        OnboardingSkillsAdded {}.into(),
        OnboardingSkillsSkipped {}.into(),
        OnboardingSteppedBack { contact: contact() }.into(),
        OnboardingCompleted { contact: contact() }.into(),
        OnboardingReminded { number: 1, remind_at: Some(days(6)) }.into(),
        OnboardingExpired {}.into(),
        OnboardingCancelled { reason: CancelReason::Death }.into(),
        OnboardingReopened { deadline: days(34), remind_at: days(23) }.into(),
    ]);
    events
}

/// Every command.
#[must_use]
pub fn commands() -> Vec<OnboardingCommand> {
    vec![
        StartOnboarding { deadline: None }.into(),
        NoteEmailAdded { contact: contact(), as_of: Version(2) }.into(),
        NoteEmailVerified { contact: contact(), as_of: Version(4) }.into(),
        NoteEmailUnverified { contact: contact(), as_of: Version(5) }.into(),
        NoteEmailRemoved { contact: contact(), as_of: Version(6) }.into(),
        NoteSkillsAdded { skills: [rust()].into() }.into(),
        NoteSuspended { as_of: Version(7) }.into(),
        NoteReactivated { as_of: Version(8) }.into(),
        SkipSkills {}.into(),
        CompleteOnboarding {}.into(),
        Remind {}.into(),
        Expire {}.into(),
        Cancel { reason: CancelReason::Requested }.into(),
        Reopen { deadline: None }.into(),
    ]
}
