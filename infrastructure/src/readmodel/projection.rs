//! What the runtime needs of a projection, whichever style it is written in: its types are erased.
//! Not here: the styles themselves.

use std::any::Any;

use kit::{Key, Position};

use super::{documents::AnyDocuments, tables::Declared};
use crate::handler::{Failure, Source};

/// An event that touches rows, read into the projection's own types.
pub(crate) struct Touch {
    /// What waits if the event cannot be applied: a document's key, or the aggregate's id.
    pub(crate) key: Key,
    /// The commit.
    pub(crate) position: Position,
    /// The event's place in the commit.
    pub(crate) index: usize,
    /// What the style made of it.
    pub(super) event: Box<dyn Any + Send + Sync>,
}

/// A projection of any style.
pub(crate) trait AnyProjection: Send + Sync {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn aggregates(&self) -> Vec<&'static str>;

    /// Checks what it declares.
    fn check(&self) -> Result<(), String>;

    /// Reads one event; `None` if it touches no row.
    fn touch(&self, source: &Source<'_>) -> Result<Option<Touch>, Failure>;

    /// What becomes of touches, and how the rows are read.
    fn rows(&self) -> Rows<'_>;

    /// By which names other programs know its tables.
    fn names(&self) -> Vec<&'static str> {
        match self.rows() {
            Rows::Documents(_) => Vec::new(),
            Rows::Tables(declared) => declared.names().collect(),
        }
    }
}

/// The styles in which projections are written.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// A document for each key, folded from what touches it.
    Documents(&'a dyn AnyDocuments),
    /// Rows of tables, as each event changes them.
    Tables(Declared),
}
