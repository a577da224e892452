//! What is to happen at a time: set when the time is known, moved when it changes, cancelled when it
//! does not matter any more.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    onboarding::{
        CancelReason, Expire, Onboarding, OnboardingCancelled, OnboardingCompleted,
        OnboardingEvent, OnboardingExpired, OnboardingReminded, OnboardingReopened,
        OnboardingStarted, Remind,
    },
    person::{
        ContactKind, ContactRemoved, ContactVerificationExhausted, ContactVerificationExpired,
        ContactVerificationRequested, ContactVerified, ExpireCertification,
        ExpireContactVerification, Person, PersonEvent, SkillCertified, SkillRemoved,
    },
};
use kit::{
    Aggregate, Order, PartId, Reaction, Recorded, TimerKey,
    scenario::{id, noon},
};
use policies::{CertificationExpiry, ExpireOnboarding, ExpireVerification, RemindOfOnboarding};

use crate::sentence::{happened, whenever};

fn part(text: &str) -> PartId {
    text.parse().unwrap()
}

fn person(event: impl Into<PersonEvent>) -> Recorded<PersonEvent> {
    happened::<PersonEvent, _>(event)
}

fn onboarding(event: impl Into<OnboardingEvent>) -> Recorded<OnboardingEvent> {
    happened::<OnboardingEvent, _>(event)
}

fn set<A: Aggregate>(
    key: TimerKey,
    at: DateTime<Utc>,
    command: impl Into<A::Command>,
) -> [Reaction; 1] {
    [key.set(at, Order::to::<A>(&id("ada"), command).unwrap())]
}

fn days(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

#[test]
fn a_verification_expires_with_its_code_unless_it_ends_before() {
    let key = || TimerKey::of("expire-verification", &part("mail"));
    let (contact_id, kind) = (part("mail"), ContactKind::Email);
    for challenge in ["first", "second"] {
        let requested = person(ContactVerificationRequested {
            contact_id: contact_id.clone(),
            kind,
            challenge_id: part(challenge),
            requested_at: noon(),
            expires_at: days(1),
            attempts: 5,
        });
        let challenge_id = part(challenge);
        let expire = ExpireContactVerification { contact_id: contact_id.clone(), challenge_id };
        whenever(&ExpireVerification, &requested, set::<Person>(key(), days(1), expire));
    }
    let reservation = id("digest");
    let verified = ContactVerified { contact_id: contact_id.clone(), kind, reservation };
    whenever(&ExpireVerification, &person(verified), [key().cancel()]);
    let challenge_id = part("first");
    let exhausted = ContactVerificationExhausted { contact_id: contact_id.clone(), challenge_id };
    whenever(&ExpireVerification, &person(exhausted), [key().cancel()]);
    let removed = ContactRemoved { contact_id: contact_id.clone(), kind, reservation: None };
    whenever(&ExpireVerification, &person(removed), [key().cancel()]);
    let expired = ContactVerificationExpired { contact_id, challenge_id: part("first") };
    whenever(&ExpireVerification, &person(expired), []);
}

#[test]
fn an_onboarding_expires_at_its_deadline_unless_it_ends_before() {
    let key = || TimerKey::from("expire");
    let started = OnboardingStarted { deadline: days(14), remind_at: days(3) };
    whenever(
        &ExpireOnboarding,
        &onboarding(started),
        set::<Onboarding>(key(), days(14), Expire {}),
    );
    let reopened = OnboardingReopened { deadline: days(30), remind_at: days(20) };
    whenever(
        &ExpireOnboarding,
        &onboarding(reopened),
        set::<Onboarding>(key(), days(30), Expire {}),
    );
    let completed = OnboardingCompleted { contact: part("mail") };
    whenever(&ExpireOnboarding, &onboarding(completed), [key().cancel()]);
    let cancelled = OnboardingCancelled { reason: CancelReason::Requested };
    whenever(&ExpireOnboarding, &onboarding(cancelled), [key().cancel()]);
    whenever(&ExpireOnboarding, &onboarding(OnboardingExpired {}), []);
}

#[test]
fn an_onboarding_is_reminded_of_when_it_says_so_and_not_after_its_end() {
    let key = || TimerKey::from("remind");
    let remind = |at| set::<Onboarding>(key(), at, Remind {});
    let started = OnboardingStarted { deadline: days(14), remind_at: days(3) };
    whenever(&RemindOfOnboarding, &onboarding(started), remind(days(3)));
    let reminded = OnboardingReminded { number: 1, remind_at: Some(days(6)) };
    whenever(&RemindOfOnboarding, &onboarding(reminded), remind(days(6)));
    let last = OnboardingReminded { number: 3, remind_at: None };
    whenever(&RemindOfOnboarding, &onboarding(last), [key().cancel()]);
    let completed = OnboardingCompleted { contact: part("mail") };
    whenever(&RemindOfOnboarding, &onboarding(completed), [key().cancel()]);
    whenever(&RemindOfOnboarding, &onboarding(OnboardingExpired {}), [key().cancel()]);
    let reopened = OnboardingReopened { deadline: days(30), remind_at: days(20) };
    whenever(&RemindOfOnboarding, &onboarding(reopened), remind(days(20)));
}

#[test]
fn a_certification_expires_when_its_last_day_is_over_unless_it_is_renewed_or_gone() {
    let key = || TimerKey::of("expire-certification", &part("analysis"));
    let issued = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    let certified = |expires| {
        let (skill_id, issuer) = (part("analysis"), "Guild".parse().unwrap());
        person(SkillCertified { skill_id, issuer, issued, expires })
    };
    let day = NaiveDate::from_ymd_opt(2027, 1, 1);
    let expire = ExpireCertification { skill_id: part("analysis") };
    let midnight = "2027-01-01T00:00:00Z".parse().unwrap();
    whenever(&CertificationExpiry, &certified(day), set::<Person>(key(), midnight, expire));
    whenever(&CertificationExpiry, &certified(None), [key().cancel()]);
    let removed = SkillRemoved { skill_id: part("analysis") };
    whenever(&CertificationExpiry, &person(removed), [key().cancel()]);
}
