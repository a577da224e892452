//! Onboarding learns what happens to its person, and is completed when all is there.
//!
//! A verified e-mail counts when it is reserved: until then it may be another person's, and nobody
//! is to be activated and welcomed at an address that is taken away the moment after.
//! Not here: what the facts lead to; onboarding decides that.

use domain::{
    onboarding::{
        Cancel, CancelReason, CompleteOnboarding, Fact, NoteEmailAdded, NoteEmailRemoved,
        NoteEmailUnverified, NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended,
        Onboarding, OnboardingCommand, OnboardingEvent, StartOnboarding,
    },
    person::{ContactKind, PersonEvent},
    reservation::ReservationEvent,
};
use kit::{Order, Policy, Reaction, Recorded, Version};

kit::union! {
    /// What drives onboarding: what happens to the person and to the addresses the person has
    /// verified, and how far onboarding itself has come.
    pub enum Happening {
        Person(PersonEvent),
        Onboarding(OnboardingEvent),
        Reservation(ReservationEvent),
    }
}

/// Whenever a person who is to be onboarded is created, onboarding starts; whenever something that
/// matters to it happens to the person, it is noted; whenever nothing is missing, it is completed.
#[derive(Debug, Clone, Copy)]
pub struct OnboardingDriver;

impl Policy for OnboardingDriver {
    const NAME: &'static str = "onboarding-driver";
    type When = Happening;

    fn react(&self, event: &Recorded<Happening>) -> serde_json::Result<Vec<Reaction>> {
        // An onboarding has the id of its person.
        let (person, command) = match &event.event {
            Happening::Person(person) => (&event.aggregate_id, on_person(person, event.version)),
            Happening::Onboarding(onboarding) => (&event.aggregate_id, on_onboarding(onboarding)),
            Happening::Reservation(ReservationEvent::ReservationMade(e)) => {
                let (contact, as_of) = (e.contact.clone(), e.as_of);
                (&e.person, Some(NoteEmailVerified { contact, as_of }.into()))
            }
            // The person's own event tells sooner that an address is gone.
            Happening::Reservation(ReservationEvent::ReservationReleased(_)) => {
                return Ok(Vec::new());
            }
        };
        let order = |command| Order::to::<Onboarding>(person, command).map(Into::into);
        command.into_iter().map(order).collect()
    }
}

fn on_person(event: &PersonEvent, as_of: Version) -> Option<OnboardingCommand> {
    use PersonEvent as E;
    let is_email = |kind| kind == ContactKind::Email;
    Some(match event {
        E::PersonCreated(e) if e.onboarding => StartOnboarding { deadline: None }.into(),
        E::ContactAdded(e) if is_email(e.point.kind()) => {
            NoteEmailAdded { contact: e.contact_id.clone(), as_of }.into()
        }
        E::ContactUndeliverable(e) if is_email(e.kind) => {
            NoteEmailUnverified { contact: e.contact_id.clone(), as_of }.into()
        }
        E::ContactReleased(e) if is_email(e.kind) => {
            NoteEmailUnverified { contact: e.contact_id.clone(), as_of }.into()
        }
        E::ContactRemoved(e) if is_email(e.kind) => {
            NoteEmailRemoved { contact: e.contact_id.clone(), as_of }.into()
        }
        E::SkillClaimed(e) => NoteSkillsAdded { skills: [e.skill_id.clone()].into() }.into(),
        E::PersonSuspended(_) => NoteSuspended { as_of }.into(),
        E::PersonReactivated(_) => NoteReactivated { as_of }.into(),
        E::DeathRecorded(_) => Cancel { reason: CancelReason::Death }.into(),
        E::PersonArchived(_) => Cancel { reason: CancelReason::Archived }.into(),
        _ => return None,
    })
}

fn on_onboarding(event: &OnboardingEvent) -> Option<OnboardingCommand> {
    use OnboardingEvent as E;
    match event {
        E::OnboardingSkillsAdded(_) | E::OnboardingSkillsSkipped(_) => {
            Some(CompleteOnboarding {}.into())
        }
        // It may have been the suspension that stood in the way.
        E::OnboardingFactNoted(e) if matches!(e.fact, Fact::Reactivated { .. }) => {
            Some(CompleteOnboarding {}.into())
        }
        _ => None,
    }
}
