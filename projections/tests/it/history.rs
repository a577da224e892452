//! Histories to fold, told by event names or decided from commands.

use std::collections::BTreeMap;

use domain::{
    onboarding::{Onboarding, OnboardingEvent},
    person::{
        CONTACT_VERIFICATION, ConfirmContact, Person, PersonCommand, PersonEvent, Verification,
        examples, verification_code,
    },
};
use kit::{
    Actor, Aggregate, Context, Event, EventSet, Projection, Recorded,
    scenario::{fold, id, noon, recorded, secret},
};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

/// The person event `kind` with its example data, in which `with` replaces fields.
pub(crate) fn event(kind: &str, with: Value) -> PersonEvent {
    let (_, data) = examples::EVENTS.iter().find(|(name, _)| *name == kind).unwrap();
    let mut data: Value = serde_json::from_str(data).unwrap();
    if let Value::Object(with) = with {
        data.as_object_mut().unwrap().extend(with);
    }
    let known = PersonEvent::KINDS.iter().find(|known| known.name == kind).unwrap();
    PersonEvent::read("person", kind, known.version, data.to_string().as_bytes()).unwrap()
}

/// The example events of these kinds.
pub(crate) fn events(kinds: &[&str]) -> Vec<PersonEvent> {
    kinds.iter().map(|kind| event(kind, Value::Null)).collect()
}

/// `events` as the log of one aggregate holds them.
pub(crate) fn log<E: Event>(name: &str, events: &[E]) -> Vec<Recorded<E>> {
    let events = (1..).zip(events);
    events.map(|(version, event)| recorded(&id(name), version, event.clone())).collect()
}

/// All documents of a projection.
pub(crate) fn documents<P: Projection>(log: &[Recorded<P::When>]) -> BTreeMap<String, P::Document> {
    let mut documents = BTreeMap::new();
    for event in log {
        if let Some(key) = P::key(event) {
            P::fold(documents.entry(key).or_default(), event);
        }
    }
    documents
}

/// The document of `ada` after these events of hers.
pub(crate) fn ada<P: Projection>(events: &[P::When]) -> P::Document
where
    P::When: Event,
{
    documents::<P>(&log("ada", events)).remove("ada").unwrap()
}

/// What people may ask, with the right code and a wrong one among it.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Example(usize),
    RightCode,
}

/// Anything that can have happened to a person: what follows from any commands.
pub(crate) fn any_person() -> impl Strategy<Value = Vec<PersonEvent>> {
    let commands = examples::commands();
    let ask =
        prop_oneof![6 => (1..commands.len()).prop_map(Ask::Example), 1 => Just(Ask::RightCode)];
    vec(ask, 0..40).prop_map(move |asks| {
        let mut events = Vec::new();
        for ask in std::iter::once(Ask::Example(0)).chain(asks) {
            let person: Person = fold(&events);
            let Some(command) = command(&commands, &person, &ask) else { continue };
            events.extend(decided(&person, &command, events.len()));
        }
        events
    })
}

fn command(examples: &[PersonCommand], person: &Person, ask: &Ask) -> Option<PersonCommand> {
    let Ask::Example(at) = ask else {
        return person.contacts.all.iter().find_map(|(contact_id, contact)| {
            let Verification::Pending { challenge_id, .. } = &contact.verification else {
                return None;
            };
            let digest = secret().digest(CONTACT_VERIFICATION, challenge_id.as_str().as_bytes());
            let (contact_id, challenge_id) = (contact_id.clone(), challenge_id.clone());
            let code = verification_code(digest);
            Some(ConfirmContact { contact_id, challenge_id, code }.into())
        });
    };
    Some(examples[*at].clone())
}

fn decided<A: Aggregate>(state: &A, command: &A::Command, so_far: usize) -> Vec<A::Event> {
    let command_id = format!("command-{so_far}").parse().unwrap();
    let actor = Actor { user: Some("registrar".to_owned()) };
    let context = Context::new(noon(), actor, command_id, secret()).about(id("ada"));
    state.decide(command, &context).unwrap_or_default()
}

/// Anything that can have happened to an onboarding.
pub(crate) fn any_onboarding() -> impl Strategy<Value = Vec<OnboardingEvent>> {
    let commands = domain::onboarding::examples::commands();
    vec(0..commands.len(), 0..40).prop_map(move |asks| {
        let mut events = Vec::new();
        for at in std::iter::once(0).chain(asks) {
            let onboarding: Onboarding = fold(&events);
            events.extend(decided(&onboarding, &commands[at], events.len()));
        }
        events
    })
}
