//! Commits read into what touches documents, with what was decided about their events.
//! Not here: folding, and what becomes of an event that cannot be read.

use std::sync::Arc;

use kit::Position;
use nats::Subject;

use super::{AnyProjection, Touch, parked::Passed, stretches::Mark};
use crate::{
    deadletter::{Cursor, Fact, Facts},
    envelope::{self, Element},
    handler::{Delivery, EventMeter, EventType, Failure, Source, overridden},
};

/// An event that cannot be handled.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Cursor,
    /// Whether the whole commit cannot be read.
    pub(super) whole: bool,
    pub(super) failure: Failure,
}

/// What some commits amount to.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) touches: Vec<Touch>,
    pub(super) passed: Vec<Passed>,
    /// Every event that is not passed, those that were discarded included.
    pub(super) marks: Vec<Mark>,
    /// Every event that is not passed, whether it touches a document or not.
    pub(super) types: Vec<(Position, Arc<EventType>)>,
    /// Everything up to here is in `touches` or `passed`.
    pub(super) to: Position,
    /// What cannot be handled in the commit behind `to`.
    pub(super) fault: Option<Fault>,
}

/// What one commit amounts to.
#[derive(Default)]
pub(super) struct Read {
    touches: Vec<Touch>,
    passed: Option<Passed>,
    marks: Vec<Mark>,
    types: Vec<Arc<EventType>>,
}

impl Reading {
    pub(super) fn extend(&mut self, position: Position, commit: Read) {
        let Read { touches, passed, marks, types } = commit;
        self.touches.extend(touches);
        self.passed.extend(passed);
        self.marks.extend(marks);
        self.types.extend(types.into_iter().map(|it| (position, it)));
        self.to = position;
    }

    /// Drops everything of the commit at `position` and behind it.
    pub(super) fn cut(&mut self, position: Position) {
        self.touches.retain(|touch| touch.position < position);
        self.passed.retain(|passed| passed.from.position < position);
        self.marks.retain(|mark| mark.at.position < position);
        self.types.retain(|(at, _)| *at < position);
        self.to = self.to.min(Position(position.0.saturating_sub(1)));
    }
}

/// What is known of events beside the log.
pub(super) trait Known {
    /// From where on events of `subject` wait, if any do.
    fn waits_from(&self, subject: &str) -> Option<Cursor>;

    /// What was decided about events of `subject`.
    fn facts(&self, subject: &str) -> Option<Arc<Facts>>;

    /// Whether events of the full type `kind` are read at all.
    fn is_wanted(&self, _kind: &str) -> bool {
        true
    }
}

/// That nothing waits and nothing was decided, as of most events.
struct Nothing;

impl Known for Nothing {
    fn waits_from(&self, _: &str) -> Option<Cursor> {
        None
    }

    fn facts(&self, _: &str) -> Option<Arc<Facts>> {
        None
    }
}

/// A commit, and what it amounts to if nothing else is known of its key: read while the store is
/// busy with those before it.
pub(crate) struct ReadAhead {
    pub(super) delivery: Delivery,
    read: Option<Result<Read, Fault>>,
}

impl ReadAhead {
    pub(super) fn new(
        delivery: Delivery,
        projection: &dyn AnyProjection,
        meter: &EventMeter,
    ) -> Self {
        let reader = Reader { projection, known: &Nothing, meter };
        let read = Some(reader.commit(&delivery, None));
        Self { delivery, read }
    }

    /// The commit, and what was read of it, which is given away once.
    pub(super) fn take(&mut self) -> (&Delivery, Option<Result<Read, Fault>>) {
        (&self.delivery, self.read.take())
    }
}

/// Reads commits for one projection.
pub(super) struct Reader<'a> {
    pub(super) projection: &'a dyn AnyProjection,
    pub(super) known: &'a dyn Known,
    pub(super) meter: &'a EventMeter,
}

impl Reader<'_> {
    /// Reads `commits` up to the first that cannot be handled; what was read ahead of one counts if
    /// nothing is known of its key.
    pub(super) fn read<'a>(
        &self,
        commits: impl Iterator<Item = (&'a Delivery, Option<Result<Read, Fault>>)>,
        to: Position,
    ) -> Reading {
        let mut reading = Reading::default();
        for (delivery, ahead) in commits {
            let start = Cursor { position: delivery.position, index: 0 };
            let until = self.known.waits_from(&delivery.subject).map(|from| from.max(start));
            let clear = until.is_none() && self.known.facts(&delivery.subject).is_none();
            let read = ahead.filter(|_| clear).unwrap_or_else(|| self.commit(delivery, until));
            match read {
                Ok(commit) => reading.extend(delivery.position, commit),
                Err(fault) => {
                    reading.fault = Some(fault);
                    return reading;
                }
            }
        }
        reading.to = reading.to.max(to);
        reading
    }

    /// Reads `commits` of a key that are made good, whatever waits: up to the first event that cannot
    /// be handled, with what stands before it in its commit.
    pub(super) fn owed<'a>(&self, commits: impl IntoIterator<Item = &'a Delivery>) -> Reading {
        let mut reading = Reading::default();
        for delivery in commits {
            match self.commit(delivery, None) {
                Ok(commit) => reading.extend(delivery.position, commit),
                Err(fault) => {
                    if let Ok(before) = self.commit(delivery, Some(fault.at)) {
                        reading.extend(delivery.position, before);
                    }
                    reading.fault = Some(fault);
                    break;
                }
            }
        }
        reading
    }

    /// Reads the events of one commit before `until`.
    pub(super) fn commit(&self, delivery: &Delivery, until: Option<Cursor>) -> Result<Read, Fault> {
        let position = delivery.position;
        let fault =
            |index, whole, failure| Fault { at: Cursor { position, index }, whole, failure };
        let Some(Subject::Event { aggregate, id }) = Subject::parse(&delivery.subject) else {
            let foreign = Failure::Halt("the subject is not an aggregate's".to_owned());
            return Err(fault(0, true, foreign));
        };
        let pass = |key: Option<String>, from| Passed {
            subject: delivery.subject.clone(),
            key: key.unwrap_or_else(|| id.to_string()),
            from,
        };
        let facts = self.known.facts(&delivery.subject);
        let facts = facts.as_deref();
        let elements = match envelope::decode(&delivery.body) {
            Ok(elements) => elements,
            Err(_) if until.is_some_and(|until| until.index == 0 && until.position == position) => {
                let passed = until.map(|until| pass(None, until));
                return Ok(Read { passed, ..Read::default() });
            }
            Err(_) if facts.and_then(|it| it.of_commit(position)) == Some(&Fact::Discarded) => {
                let marks = vec![Mark::of(Cursor { position, index: 0 }, None)];
                return Ok(Read { marks, ..Read::default() });
            }
            Err(corrupt) => {
                let why = envelope::fault::of_commit(&corrupt);
                return Err(fault(0, true, Failure::Permanent(why)));
            }
        };
        let mut read = Read::default();
        for (index, element) in elements.iter().enumerate() {
            if !self.known.is_wanted(&element.kind) {
                continue;
            }
            let at = Cursor { position, index };
            let waits = until.filter(|until| at >= *until);
            let replaced;
            let element: &Element<'_> = match facts.and_then(|it| it.of_event(element.id)) {
                None => element,
                Some(Fact::Discarded) => {
                    match waits {
                        None => read.marks.push(Mark::of(at, Some(element.id))),
                        // Whether the rows have it is told when what waits is made good.
                        Some(until) => read.passed = Some(pass(None, until)),
                    }
                    continue;
                }
                Some(Fact::Overridden { data, schema_version }) => {
                    replaced = overridden(element, data, *schema_version);
                    &replaced
                }
            };
            let source = Source { aggregate: &aggregate, element, position, index };
            let touch = self.projection.touch(&source);
            if let Some(until) = waits {
                // The document that waits, if this event can be read that far.
                let key = touch.ok().flatten().map(|touch| touch.key);
                read.passed = Some(pass(key, until));
                return Ok(read);
            }
            read.touches.extend(touch.map_err(|failure| fault(index, false, failure))?);
            read.marks.push(Mark::of(at, Some(element.id)));
            read.types.push(self.meter.of_type(&element.kind, &aggregate));
        }
        Ok(read)
    }
}
