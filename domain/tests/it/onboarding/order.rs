//! The same facts in any order, any number of times, lead to the same state.

use domain::onboarding::{
    CompleteOnboarding, NoteEmailAdded, NoteEmailRemoved, NoteEmailUnverified, NoteEmailVerified,
    NoteReactivated, NoteSkillsAdded, NoteSuspended, Onboarding, OnboardingCommand,
    OnboardingEvent, StartOnboarding,
};
use kit::{
    Aggregate, Version,
    scenario::{context, fold, noon},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::contact;

/// What a person's history may say: the fact at place `at` holds as of version `at + 2`.
fn facts() -> impl Strategy<Value = Vec<OnboardingCommand>> {
    vec((0..7_u8, 0..3_u8), 1..10).prop_map(|kinds| {
        kinds.iter().zip(2..).map(|((kind, which), as_of)| fact(*kind, *which, as_of)).collect()
    })
}

fn fact(kind: u8, which: u8, as_of: u64) -> OnboardingCommand {
    let (contact, as_of) = (contact(&format!("part-{which}")), Version(as_of));
    match kind {
        0 => NoteEmailAdded { contact, as_of }.into(),
        1 => NoteEmailVerified { contact, as_of }.into(),
        2 => NoteEmailUnverified { contact, as_of }.into(),
        3 => NoteEmailRemoved { contact, as_of }.into(),
        4 => NoteSkillsAdded { skills: [contact].into() }.into(),
        5 => NoteSuspended { as_of }.into(),
        _ => NoteReactivated { as_of }.into(),
    }
}

/// Tells `facts` one after the other and returns the state, which is also what its events say.
fn told<'a>(facts: impl IntoIterator<Item = &'a OnboardingCommand>) -> Onboarding {
    let start = StartOnboarding { deadline: None }.into();
    asked(std::iter::once(start).chain(facts.into_iter().cloned()))
}

fn asked(commands: impl IntoIterator<Item = OnboardingCommand>) -> Onboarding {
    let mut events: Vec<OnboardingEvent> = Vec::new();
    let mut state = Onboarding::default();
    for command in commands {
        let more = state.decide(&command, &context(noon(), events.len() as u64)).unwrap();
        more.iter().for_each(|event| state.evolve(event));
        events.extend(more);
    }
    assert_eq!(fold::<Onboarding>(&events), state);
    state
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_the_same_facts_ends_in_the_same_state(
        facts in facts(),
        shuffle in any::<u64>(),
        again in vec(any::<Index>(), 0..10),
    ) {
        let in_order = told(&facts);
        let mut other = facts.clone();
        other.extend(again.iter().map(|index| facts[index.index(facts.len())].clone()));
        let mut seed = shuffle;
        other.sort_by_cached_key(|_| {
            // Knuth's MMIX generator: any order will do, as long as the seed repeats it.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 16
        });
        prop_assert_eq!(told(&other), in_order);
    }

    #[test]
    fn a_start_that_verified_emails_overtake_leads_to_the_same_state(
        facts in facts(),
        early in vec((0..3_u8, 2..30_u64), 1..5),
    ) {
        let early: Vec<_> = early.iter().map(|(which, as_of)| fact(1, *which, *as_of)).collect();
        let start = StartOnboarding { deadline: None }.into();
        let overtaken = early.iter().cloned().chain([start]).chain(facts.iter().cloned());
        prop_assert_eq!(asked(overtaken), told(facts.iter().chain(&early)));
    }

    #[test]
    fn once_all_facts_are_there_in_any_order_it_can_be_completed(
        mut facts in facts(),
        place in any::<[Index; 3]>(),
    ) {
        // Later than anything that the person's history said before.
        let last = [
            NoteEmailVerified { contact: contact("sure"), as_of: Version(50) }.into(),
            NoteSkillsAdded { skills: [contact("sure")].into() }.into(),
            NoteReactivated { as_of: Version(51) }.into(),
        ];
        for (fact, place) in last.into_iter().zip(place) {
            facts.insert(place.index(facts.len() + 1), fact);
        }
        let state = told(&facts);
        let answer = state.decide(&CompleteOnboarding {}.into(), &context(noon(), 99));
        let completed = matches!(answer.as_deref(), Ok([OnboardingEvent::OnboardingCompleted(_)]));
        prop_assert!(completed, "{:?} in {:?}", answer, state);
    }
}
