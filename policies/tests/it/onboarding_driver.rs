//! Onboarding learns what happens to its person, and is completed when all is there.

use domain::{
    onboarding::{
        Cancel, CancelReason, CompleteOnboarding, Fact, NoteEmailAdded, NoteEmailRemoved,
        NoteEmailUnverified, NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended,
        Onboarding, OnboardingCommand, OnboardingEvent, OnboardingFactNoted, OnboardingSkillsAdded,
        OnboardingSkillsSkipped, StartOnboarding, examples::contact,
    },
    person::{PersonEvent, examples},
    reservation::{Holder, ReservationEvent, ReservationMade, ReservationReleased},
};
use kit::{Command, Event, EventSet, PartId, Policy, Reaction, Recorded, Version, scenario::id};
use policies::{Happening, OnboardingDriver};
use serde_json::Value;

use crate::sentence::{happened, order, whenever};

/// The example of the person event `kind`, with what stands in `with` put into its data.
fn person(kind: &str, with: &[(&str, Value)]) -> Recorded<Happening> {
    let (_, data) = examples::EVENTS.iter().find(|(name, _)| *name == kind).unwrap();
    let mut data: Value = serde_json::from_str(data).unwrap();
    for (field, value) in with {
        data[field] = value.clone();
    }
    let known = PersonEvent::KINDS.iter().find(|known| known.name == kind).unwrap();
    let data = data.to_string();
    let event = PersonEvent::read("person", kind, known.version, data.as_bytes()).unwrap();
    happened::<PersonEvent, _>(event)
}

fn onboarding(event: impl Into<OnboardingEvent>) -> Recorded<Happening> {
    happened::<OnboardingEvent, _>(event)
}

#[track_caller]
fn then(event: &Recorded<Happening>, command: impl Into<OnboardingCommand>) {
    whenever(&OnboardingDriver, event, [order::<Onboarding>("ada", command)]);
}

fn mail() -> PartId {
    "mail".parse().unwrap()
}

const AS_OF: Version = Version(3);

#[test]
fn a_new_person_starts_onboarding_if_the_source_asks_for_it() {
    then(&person("person-created", &[]), StartOnboarding { deadline: None });
    let trusted = person("person-created", &[("onboarding", false.into())]);
    whenever(&OnboardingDriver, &trusted, []);
}

#[test]
fn what_happens_to_an_email_is_noted_as_of_the_persons_version() {
    let (contact, as_of) = (mail, AS_OF);
    then(&person("contact-added", &[]), NoteEmailAdded { contact: contact(), as_of });
    for gone in ["contact-undeliverable", "contact-released"] {
        then(&person(gone, &[]), NoteEmailUnverified { contact: contact(), as_of });
    }
    then(&person("contact-removed", &[]), NoteEmailRemoved { contact: contact(), as_of });
}

#[test]
fn a_verified_email_is_noted_when_it_is_reserved_and_not_before() {
    whenever(&OnboardingDriver, &person("contact-verified", &[]), []);
    let (contact, as_of) = (mail(), Version(7));
    let made = ReservationMade { person: id("eve"), contact: mail(), as_of };
    let made = happened::<ReservationEvent, _>(made);
    let note = NoteEmailVerified { contact, as_of };
    whenever(&OnboardingDriver, &made, [order::<Onboarding>("eve", note)]);
    let holder = Holder { person: id("eve"), contact: mail() };
    let released = happened::<ReservationEvent, _>(ReservationReleased { holder });
    whenever(&OnboardingDriver, &released, []);
}

#[test]
fn what_happens_to_a_telephone_does_not_matter() {
    let kind = ("kind", Value::from("phone"));
    let number = ("value", Value::from("+41791234567"));
    whenever(&OnboardingDriver, &person("contact-added", &[kind.clone(), number]), []);
    for event in
        ["contact-verified", "contact-undeliverable", "contact-released", "contact-removed"]
    {
        whenever(&OnboardingDriver, &person(event, std::slice::from_ref(&kind)), []);
    }
}

#[test]
fn a_claimed_skill_is_noted() {
    let skills = ["analysis".parse().unwrap()].into();
    then(&person("skill-claimed", &[]), NoteSkillsAdded { skills });
}

#[test]
fn a_suspension_and_its_end_are_noted() {
    then(&person("person-suspended", &[]), NoteSuspended { as_of: AS_OF });
    then(&person("person-reactivated", &[]), NoteReactivated { as_of: AS_OF });
}

#[test]
fn death_and_the_archive_end_onboarding() {
    then(&person("death-recorded", &[]), Cancel { reason: CancelReason::Death });
    then(&person("person-archived", &[]), Cancel { reason: CancelReason::Archived });
}

#[test]
fn the_last_step_completes_onboarding() {
    then(&onboarding(OnboardingSkillsAdded {}), CompleteOnboarding {});
    then(&onboarding(OnboardingSkillsSkipped {}), CompleteOnboarding {});
}

#[test]
fn the_end_of_a_suspension_tries_again_to_complete() {
    let fact = Fact::Reactivated { as_of: AS_OF };
    then(&onboarding(OnboardingFactNoted { fact }), CompleteOnboarding {});
    let fact = Fact::EmailAdded { contact: contact(), as_of: AS_OF };
    whenever(&OnboardingDriver, &onboarding(OnboardingFactNoted { fact }), []);
}

#[test]
fn every_order_is_a_command_that_onboarding_reads() {
    for (kind, _) in examples::EVENTS {
        for reaction in OnboardingDriver.react(&person(kind, &[])).unwrap() {
            let Reaction::Order(order) = reaction else { continue };
            let read = OnboardingCommand::read(order.name, order.body.as_bytes());
            assert!(read.is_ok(), "{kind}: {read:?}");
        }
    }
}
