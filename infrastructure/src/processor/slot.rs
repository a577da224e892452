//! One aggregate as the engine holds it: who waits on it, what is known of it, what is under way.
//! Not here: what to do next.

use std::{collections::VecDeque, sync::Arc};

use super::{admission::Waiting, batch::Batch, cache::Rest, load::Loaded};
use crate::{aggregates::AnyAggregate, problem::Problem, store::StreamKey};

/// The place of one aggregate in the engine. It is not reused while something is under way.
pub(super) struct Slot {
    pub(super) key: StreamKey,
    pub(super) kind: Arc<dyn AnyAggregate>,
    /// In the order of arrival.
    pub(super) waiting: VecDeque<Box<Waiting>>,
    pub(super) phase: Phase,
    /// None before the first load, while a load extends it, and after an unknown outcome.
    pub(super) loaded: Option<Loaded>,
    /// Listed for the next turn.
    pub(super) ready: bool,
    /// Nothing waits and nothing is under way.
    pub(super) rest: Option<Rest>,
}

/// What is under way. Exactly one piece of work, except in `Free`.
pub(super) enum Phase {
    /// Nothing.
    Free,
    /// A load or a search.
    Reading,
    /// The question whether the log has moved on since these were decided without events.
    Validating(Batch),
    /// The append of what these led to, or the search for what became of it.
    Committing(Batch),
}

impl Slot {
    pub(super) fn new(key: StreamKey, kind: Arc<dyn AnyAggregate>) -> Self {
        Self {
            key,
            kind,
            waiting: VecDeque::new(),
            phase: Phase::Free,
            loaded: None,
            ready: false,
            rest: None,
        }
    }

    /// Ends what is under way.
    pub(super) fn end(&mut self) -> Phase {
        std::mem::replace(&mut self.phase, Phase::Free)
    }

    /// Answers everything that waits.
    pub(super) fn answer_all(&mut self, problem: &Problem) {
        self.waiting.drain(..).for_each(|waiting| waiting.answer(Err(problem.clone())));
    }
}
