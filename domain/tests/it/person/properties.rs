//! What holds for any sequence of commands.

use std::collections::BTreeSet;

use domain::person::{Person, PersonCommand, PersonEvent};
use kit::{
    Actor, Aggregate, Command, Context, Event, EventSet,
    scenario::{context, fold, noon},
};
use proptest::{
    prelude::ProptestConfig,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::steps::{Step, steps};

/// Commands that count: the same one again is another fact.
const COUNTING: &[&str] = &["confirm-contact", "request-contact-verification"];

/// What a sequence of steps leads to.
#[derive(Default)]
struct Story {
    person: Person,
    log: Vec<PersonEvent>,
}

impl Story {
    /// Goes through `steps`, checking every one.
    #[track_caller]
    fn told(steps: &[Step]) -> Self {
        let (mut story, mut now) = (Self::default(), noon());
        for (ordinal, step) in steps.iter().enumerate() {
            now = step.time(now);
            let command = step.command(&story.person);
            let context = |more: u64| {
                let mut context = context(now, ordinal as u64 * 2 + more);
                context.actor = Actor { user: step.named.then(|| "registrar".to_owned()) };
                context
            };
            story.ask(&command, &context(0));
            story.ask_again(&command, &context(1));
        }
        story
    }

    #[track_caller]
    fn ask(&mut self, command: &PersonCommand, context: &Context) {
        let Ok(events) = self.person.decide(command, context) else { return };
        for event in &events {
            let before = self.person.clone();
            self.person.evolve(event);
            assert_ne!(self.person, before, "{event:?} changes nothing");
        }
        self.log.extend(events);
        assert_eq!(fold::<Person>(&reread(&self.log)), self.person, "replay differs from life");
        let snapshot = serde_json::to_vec(&self.person).unwrap();
        let restored: Person = serde_json::from_slice(&snapshot).unwrap();
        assert_eq!(restored, self.person, "a snapshot differs from life");
    }

    #[track_caller]
    fn ask_again(&self, command: &PersonCommand, context: &Context) {
        let again = self.person.decide(command, context);
        let silent = again.as_ref().map_or(true, Vec::is_empty);
        assert!(silent || COUNTING.contains(&command.name()), "{command:?} again: {again:?}");
    }
}

fn reread(log: &[PersonEvent]) -> Vec<PersonEvent> {
    let again = |event: &PersonEvent| {
        let kind = event.kind();
        PersonEvent::read("person", kind.name, kind.version, &event.data().unwrap()).unwrap()
    };
    log.iter().map(again).collect()
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn replay_equals_life_and_a_repeat_is_silent(steps in steps(60)) {
        Story::told(&steps);
    }

    #[test]
    fn no_bytes_make_reading_a_command_or_an_event_panic(bytes: Vec<u8>, text: String) {
        for name in PersonCommand::NAMES {
            let _ = PersonCommand::read(name, &bytes);
            let _ = PersonCommand::read(name, text.as_bytes());
        }
        for kind in PersonEvent::KINDS {
            let _ = PersonEvent::read("person", kind.name, kind.version, &bytes);
        }
    }
}

/// Sequences that are tried before an event counts as unreachable.
const SEQUENCES_MAX: usize = 3_000;

/// The properties say nothing about an event that no sequence reaches.
#[test]
fn the_sequences_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let mut missing: BTreeSet<_> = PersonEvent::KINDS.iter().map(|kind| kind.name).collect();
    for _ in 0..SEQUENCES_MAX {
        let steps = steps(60).new_tree(&mut runner).unwrap().current();
        for event in &Story::told(&steps).log {
            missing.remove(event.kind().name);
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("no sequence reaches {missing:?}");
}
