//! The answer of every stage to every command, as one table to read and to compare.

use std::fmt::Write;

use kit::{
    Aggregate, Command, DomainError, Event, Machine,
    scenario::{context, fold, noon},
};

/// One row for each stage and command: the events or the refusal, and the stage afterwards.
/// `pasts` must lead to every stage.
#[track_caller]
pub(crate) fn table<A>(pasts: &[Vec<<A as Aggregate>::Event>], commands: &[A::Command]) -> String
where
    A: Aggregate + Machine<Event = <A as Aggregate>::Event>,
{
    let states: Vec<A> = pasts.iter().map(fold).collect();
    let mut text = String::from("| stage | command | answer | then |\n|---|---|---|---|\n");
    for stage in <A::Stage as strum::VariantArray>::VARIANTS {
        let at: Vec<_> = states.iter().filter(|state| state.stage() == *stage).collect();
        assert!(!at.is_empty(), "no past leads to {stage:?}");
        for command in commands {
            for state in &at {
                let _ = writeln!(text, "{}", row(*state, command));
            }
        }
    }
    text
}

fn row<A>(state: &A, command: &A::Command) -> String
where
    A: Aggregate + Machine<Event = <A as Aggregate>::Event>,
{
    let stage = |state: &A| -> &'static str { state.stage().into() };
    let (from, name) = (stage(state), command.name());
    match state.decide(command, &context(noon(), 1)) {
        Err(error) => format!("| {from} | {name} | refused: {} | {from} |", error.code()),
        Ok(events) if events.is_empty() => format!("| {from} | {name} | unchanged | {from} |"),
        Ok(events) => {
            let mut after = state.clone();
            events.iter().for_each(|event| after.evolve(event));
            let names: Vec<_> = events.iter().map(|event| event.kind().name).collect();
            format!("| {from} | {name} | {} | {} |", names.join(", "), stage(&after))
        }
    }
}
