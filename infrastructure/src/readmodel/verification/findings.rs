//! What a verification found. Not here: finding it.

use kit::Position;
use serde::Serialize;

use super::gaps::{Difference, Run};
use crate::readmodel::stretches::{SPAN, stretch_of};

/// Findings that are named; more do not help to find out why.
pub(super) const FIRST_MAX: usize = 10;

/// A stretch of the log whose events are not in the rows once each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The first position of the stretch.
    pub from: Position,
    /// The last one, as far as the rows go.
    pub to: Position,
    /// Events that the log has in it, without those that wait.
    pub expected: u64,
    /// Events that were taken into the rows. If they are as many, others were than should be.
    pub found: u64,
    /// The first event that is missing or was taken in twice, `<position>.<index>`, if it can be told.
    pub first: Option<String>,
    /// The last one, likewise: all between them, of the same aggregate if `subject` names one.
    pub last: Option<String>,
    /// The subject that all of them stand on, if it is one.
    pub subject: Option<String>,
}

impl Gap {
    pub(super) fn new(difference: &Difference, run: Option<Run>, read: Position) -> Self {
        let (from, to) = difference.bounds(read);
        let Difference { expected, found, .. } = difference;
        let place = run.as_ref();
        Self {
            from,
            to,
            expected: expected.events,
            found: found.events,
            first: place.map(|run| run.first.to_string()),
            last: place.map(|run| run.last.to_string()),
            subject: run.and_then(|run| run.subject),
        }
    }
}

/// An event that cannot be folded, and that the rows do not leave out either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfolded {
    /// `<position>.<index>`.
    pub at: String,
    /// Its subject.
    pub subject: String,
    /// Why not.
    pub reason: String,
}

/// What is wrong, and what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The projection.
    pub verified: String,
    /// The generation of its rows.
    pub generation: i64,
    /// Everything up to here was compared, at this one position.
    pub position: Position,
    /// Whether events were counted at all before this position is not known: a program folded them
    /// that did not count. The rows were compared all the same.
    pub counted_from: Position,
    /// Events whose counts were compared.
    pub events: u64,
    /// Its rows: documents, or rows of its tables.
    pub rows: u64,
    /// Keys whose events wait behind dead letters: they are not in the rows, and must not be.
    pub waiting: u64,
    /// The first stretches with events that are missing or were taken in twice.
    pub gaps: Vec<Gap>,
    /// How many such stretches there are.
    pub gaps_in_all: u64,
    /// The first keys whose rows are not what the log gives.
    pub differing: Vec<String>,
    /// How many such keys there are.
    pub differing_in_all: u64,
    /// The first events that this program cannot fold, and that do not wait either.
    pub unfolded: Vec<Unfolded>,
    /// How many such events there are.
    pub unfolded_in_all: u64,
}

impl Verdict {
    /// Whether every event is in the rows once, and they are what the log gives.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.gaps_in_all == 0 && self.differing_in_all == 0 && self.unfolded_in_all == 0
    }
}

/// The first position behind `after` from which on all events are counted, stretch by stretch.
pub(super) fn counted_from(after: Position) -> Position {
    match after {
        Position::ZERO => after,
        after => Position((stretch_of(after) + 1) * SPAN),
    }
}
