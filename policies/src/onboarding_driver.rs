//! Onboarding learns what happens to its person, and is completed when all is there.
//! Not here: what the facts lead to; onboarding decides that.

use domain::{
    onboarding::{
        Cancel, CancelReason, CompleteOnboarding, Fact, NoteEmailAdded, NoteEmailRemoved,
        NoteEmailUnverified, NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended,
        Onboarding, OnboardingCommand, OnboardingEvent, StartOnboarding,
    },
    person::{ContactKind, PersonEvent},
};
use kit::{Order, Policy, Recorded, Version};

kit::union! {
    /// What drives onboarding: what happens to the person, and how far onboarding itself has come.
    pub enum Happening { Person(PersonEvent), Onboarding(OnboardingEvent) }
}

/// Whenever a person who is to be onboarded is created, onboarding starts; whenever something that
/// matters to it happens to the person, it is noted; whenever nothing is missing, it is completed.
#[derive(Debug, Clone, Copy)]
pub struct OnboardingDriver;

impl Policy for OnboardingDriver {
    const NAME: &'static str = "onboarding-driver";
    type When = Happening;

    fn react(&self, event: &Recorded<Happening>) -> serde_json::Result<Vec<Order>> {
        let command = match &event.event {
            Happening::Person(person) => on_person(person, event.version),
            Happening::Onboarding(onboarding) => on_onboarding(onboarding),
        };
        // An onboarding has the id of its person.
        let order = |command| Order::to::<Onboarding>(&event.aggregate_id, command);
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
        E::ContactVerified(e) if is_email(e.kind) => {
            NoteEmailVerified { contact: e.contact_id.clone(), as_of }.into()
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
