//! The transition table and Mermaid chart of a machine, found by walking it with examples.
//! Not here: a second table; what is drawn is what runs.

use std::fmt::Write;

use strum::VariantArray;

use crate::{Event, Machine};

/// Most different states one walk visits; a machine whose data makes more is charted by its parts.
const STATES_MAX: usize = 4096;

/// One row of a transition table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The stage it leaves.
    pub from: &'static str,
    /// The event's name on the wire.
    pub event: &'static str,
    /// The stage it reaches.
    pub to: &'static str,
}

/// Everything that can happen to one machine.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The machine's name.
    pub name: &'static str,
    /// Every arrow, in the order of stages and then of examples.
    pub arrows: Vec<Arrow>,
    /// The stage that everything begins in.
    pub initial: &'static str,
    stages: Vec<&'static str>,
    events: Vec<&'static str>,
}

impl Chart {
    /// Walks `M` from its default state, trying every example in every state it meets.
    /// The examples must hold each event in each variant that leads to a different stage.
    #[must_use]
    pub fn explore<M>(name: &'static str, examples: &[M::Event]) -> Self
    where
        M: Machine,
        M::Event: Event,
    {
        let (mut met, mut arrows, mut at) = (vec![M::default()], Vec::new(), 0);
        while let Some(here) = met.get(at).cloned() {
            at += 1;
            for event in examples {
                let Ok(there) = here.clone().after(event) else { continue };
                let arrow = Arrow {
                    from: here.stage().into(),
                    event: event.kind().name,
                    to: there.stage().into(),
                };
                if !arrows.contains(&arrow) {
                    arrows.push(arrow);
                }
                if met.len() < STATES_MAX && !met.contains(&there) {
                    met.push(there);
                }
            }
        }
        let stages: Vec<&str> = M::Stage::VARIANTS.iter().map(|stage| (*stage).into()).collect();
        let mut events = Vec::new();
        for name in examples.iter().map(|event| event.kind().name) {
            if !events.contains(&name) {
                events.push(name);
            }
        }
        let place = |all: &[&str], name| all.iter().position(|one| *one == name);
        arrows
            .sort_by_key(|arrow: &Arrow| (place(&stages, arrow.from), place(&events, arrow.event)));
        Self { name, arrows, initial: M::default().stage().into(), stages, events }
    }

    /// Stages that no sequence of the examples reaches.
    #[must_use]
    pub fn unreached(&self) -> Vec<&'static str> {
        let reached = |stage| stage == self.initial || self.arrows.iter().any(|a| a.to == stage);
        self.stages.iter().copied().filter(|stage| !reached(*stage)).collect()
    }

    /// Stages that no arrow leaves.
    #[must_use]
    pub fn dead_ends(&self) -> Vec<&'static str> {
        let left = |stage| self.arrows.iter().any(|a| a.from == stage && a.to != stage);
        self.stages.iter().copied().filter(|stage| !left(*stage)).collect()
    }

    /// Events among the examples that no stage accepts.
    #[must_use]
    pub fn never_accepted(&self) -> Vec<&'static str> {
        let used = |event| self.arrows.iter().any(|a| a.event == event);
        self.events.iter().copied().filter(|event| !used(*event)).collect()
    }

    /// A Mermaid state diagram.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = format!("stateDiagram-v2\n    [*] --> {}\n", self.initial);
        for Arrow { from, event, to } in &self.arrows {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    {from} --> {to}: {event}");
        }
        let unreached = self.unreached();
        for stage in self.dead_ends().into_iter().filter(|stage| !unreached.contains(stage)) {
            let _ = writeln!(text, "    {stage} --> [*]");
        }
        text
    }

    /// The transition table in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("| from | event | to |\n|---|---|---|\n");
        for Arrow { from, event, to } in &self.arrows {
            let _ = writeln!(text, "| {from} | {event} | {to} |");
        }
        text
    }
}
