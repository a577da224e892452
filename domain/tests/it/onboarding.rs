//! Onboarding: each row of its table, its charts, and its indifference to order.

mod answers;
mod closing;
mod facts;
mod order;
mod reminding;

use chrono::{DateTime, TimeDelta, Utc};
use domain::onboarding::{
    Fact, Onboarding, OnboardingCompleted, OnboardingEmailAdded, OnboardingEmailVerified,
    OnboardingEvent, OnboardingFactNoted, OnboardingSkillsAdded, OnboardingStarted,
};
use kit::{
    PartId, Version,
    scenario::{Given, given, noon},
};

fn days(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

fn contact(name: &str) -> PartId {
    name.parse().unwrap()
}

fn started() -> OnboardingEvent {
    OnboardingStarted { deadline: days(14), remind_at: days(3) }.into()
}

fn noted(fact: Fact) -> OnboardingEvent {
    OnboardingFactNoted { fact }.into()
}

fn added(name: &str, as_of: u64) -> Fact {
    Fact::EmailAdded { contact: contact(name), as_of: Version(as_of) }
}

fn verified(name: &str, as_of: u64) -> Fact {
    Fact::EmailVerified { contact: contact(name), as_of: Version(as_of) }
}

fn removed(name: &str, as_of: u64) -> Fact {
    Fact::EmailRemoved { contact: contact(name), as_of: Version(as_of) }
}

fn skilled() -> Fact {
    Fact::SkillsAdded { skills: [contact("rust")].into() }
}

fn email_added(name: &str) -> OnboardingEvent {
    OnboardingEmailAdded { contact: contact(name) }.into()
}

fn email_verified(name: &str) -> OnboardingEvent {
    OnboardingEmailVerified { contact: contact(name) }.into()
}

fn completed(name: &str) -> OnboardingEvent {
    OnboardingCompleted { contact: contact(name) }.into()
}

/// Pasts that end at each stage.
fn at_profile() -> Vec<OnboardingEvent> {
    vec![started()]
}

fn at_email() -> Vec<OnboardingEvent> {
    [at_profile(), vec![noted(added("home", 2)), email_added("home")]].concat()
}

fn at_verified() -> Vec<OnboardingEvent> {
    [at_email(), vec![noted(verified("home", 4)), email_verified("home")]].concat()
}

fn at_skills() -> Vec<OnboardingEvent> {
    [at_verified(), vec![noted(skilled()), OnboardingSkillsAdded {}.into()]].concat()
}

fn onboarding(past: Vec<OnboardingEvent>) -> Given<Onboarding> {
    given(past)
}
