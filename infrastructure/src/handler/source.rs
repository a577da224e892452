//! One stored event as a handler is given it: the raw element with its place in the log.
//! Not here: decoding commits; the envelope does that.

use std::time::Duration;

use kit::{EventSet, Position, Recorded};

use super::{Duty, Failure, guarded};
use crate::{deadletter::Cursor, envelope::Element};

/// One event of a commit, not yet read into a handler's own types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The aggregate type, from the subject.
    pub(crate) aggregate: &'a str,
    /// The stored event.
    pub(crate) element: &'a Element<'a>,
    /// The commit that holds it.
    pub(crate) position: Position,
    /// Its place in that commit.
    pub(crate) index: usize,
}

impl Source<'_> {
    /// Where it stands.
    pub(crate) const fn at(&self) -> Cursor {
        Cursor { position: self.position, index: self.index }
    }

    /// Counts it as handled.
    pub(crate) fn count(&self, duty: &Duty, elapsed: Duration) {
        let events = &duty.gauge.events;
        events.count(&events.of_type(&self.element.kind, self.aggregate), elapsed);
    }

    /// The event in its current shape.
    pub(crate) fn record<E: EventSet>(&self) -> Result<Recorded<E>, Failure> {
        guarded(|| Ok(self.element.record(self.aggregate, self.position, self.index)?))
    }
}
