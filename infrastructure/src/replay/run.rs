//! A replay in progress: commits of its stretch, one after the other, up to the watermark.
//! Not here: folding a projection, and what the progress is kept in.

use std::collections::HashMap;

use kit::{AggregateId, EventId, Position};
use nats::Subject;
use serde::Serialize;

use super::{Origin, Rehearsed, Scope, rehearsal::Rehearsal};
use crate::{
    composition::Composition,
    deadletter::{Cursor, Fact, Facts},
    envelope::{self, fault},
    handler::{Delivery, Feed, Item, Source, overridden},
    problem::Problem,
};

/// What came of one event.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// `<position>.<index>`.
    pub at: String,
    /// The same place; the first of a commit that cannot be read.
    #[serde(skip)]
    pub cursor: Cursor,
    /// The event; none if the commit cannot be read.
    pub event: Option<EventId>,
    /// Its full type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// What the handler would do.
    #[serde(flatten)]
    pub outcome: Rehearsed,
}

/// A stretch that has been read.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Up to here.
    pub position: Position,
    /// Commits of the handler behind it, those behind the watermark included.
    pub pending: u64,
    /// Events in it that were picked.
    pub events: usize,
    /// Those that the handler would do something about.
    pub replayed: Vec<Replayed>,
}

/// A running replay of a policy or an effect. Dropping it ends it.
pub struct Replay {
    scope: Scope,
    rehearsal: Rehearsal,
    /// What was decided about events, by their subjects.
    facts: HashMap<String, Facts>,
    feed: Feed,
    ended: bool,
}

impl Replay {
    /// Begins `scope` after the position `after`, up to where it was read before, under a consumer
    /// of its own.
    ///
    /// # Errors
    /// `not-found` or `invalid` if `composition` does not have what `scope` names, or if it is a
    /// projection; `unavailable` if the log does not answer.
    pub async fn start(
        origin: impl Into<Origin>,
        composition: &Composition,
        scope: Scope,
        after: Position,
    ) -> Result<Self, Problem> {
        let part = scope.part(composition)?;
        let rehearsal = Rehearsal::of(part).ok_or_else(|| {
            let name = &scope.handler;
            Problem::invalid(format!(
                "{name} is a projection; a rebuild folds it beside the rows that answer"
            ))
        })?;
        let subjects = scope.subjects(part)?;
        let origin = origin.into();
        let facts = origin.facts(&scope.handler).await?;
        let before = Position(scope.from.0.saturating_sub(1));
        let feed =
            origin.feed(subjects, (&scope.handler, composition.keys()), before.max(after)).await?;
        Ok(Self { scope, rehearsal, facts, feed, ended: false })
    }

    /// What comes next; none at the watermark. Safe to cancel.
    pub async fn next(&mut self) -> Option<Passed> {
        if self.ended {
            return None;
        }
        match self.feed.next().await? {
            Item::Commit(delivery) if delivery.position <= self.scope.to => {
                self.ended = delivery.position == self.scope.to;
                Some(self.pass(&delivery))
            }
            Item::Commit(_) => self.end(),
            Item::Nothing(position) if position >= self.scope.to => self.end(),
            Item::Nothing(position) => {
                Some(Passed { position, pending: 0, events: 0, replayed: Vec::new() })
            }
        }
    }

    fn end(&mut self) -> Option<Passed> {
        self.ended = true;
        let position = self.scope.to;
        Some(Passed { position, pending: 0, events: 0, replayed: Vec::new() })
    }

    fn pass(&self, delivery: &Delivery) -> Passed {
        let Delivery { position, pending, .. } = *delivery;
        let mut passed = Passed { position, pending, events: 0, replayed: Vec::new() };
        // The filter of the consumer lets nothing else in.
        let Some(Subject::Event { aggregate, id }) = Subject::parse(&delivery.subject) else {
            return passed;
        };
        let found = |at, index, event, kind, outcome| {
            let (aggregate, id, cursor) =
                (aggregate.clone(), id.clone(), Cursor { position, index });
            Replayed { at, cursor, event, kind, aggregate, id, outcome }
        };
        let facts = self.facts.get(&delivery.subject);
        let elements = match envelope::decode(&delivery.body) {
            Ok(elements) => elements,
            Err(corrupt) => {
                let discarded = facts.and_then(|facts| facts.of_commit(position)).is_some();
                let failed = match discarded {
                    true => Rehearsed::Discarded,
                    false => Rehearsed::Failed { reason: fault::of_commit(&corrupt) },
                };
                passed.replayed.push(found(position.to_string(), 0, None, None, failed));
                return passed;
            }
        };
        for (index, element) in elements.iter().enumerate() {
            if self.scope.kind.as_ref().is_some_and(|wanted| **wanted != *element.kind) {
                continue;
            }
            passed.events += 1;
            let replaced;
            let (element, discarded) = match facts.and_then(|facts| facts.of_event(element.id)) {
                None => (element, false),
                Some(Fact::Discarded) => (element, true),
                Some(Fact::Overridden { data, schema_version }) => {
                    replaced = overridden(element, data, *schema_version);
                    (&replaced, false)
                }
            };
            let source = Source { aggregate: &aggregate, element, position, index };
            let outcome = match discarded {
                true => Some(Rehearsed::Discarded),
                false => self.rehearsal.of_event(&source),
            };
            if let Some(outcome) = outcome {
                let (at, kind) = (format!("{position}.{index}"), element.kind.to_string());
                passed.replayed.push(found(at, index, Some(element.id), Some(kind), outcome));
            }
        }
        passed
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("scope", &self.scope).finish_non_exhaustive()
    }
}
