//! Projections: documents folded from events by pure functions, with declared fields to find them.
//! Not here: SQL, batches, checkpoints; and rows in tables, the other style.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{EventSet, Recorded};

/// The key of one document.
pub type Key = String;

/// How a field may be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole value.
    Exact,
    /// The value or its beginning.
    Prefix,
}

/// A field by which documents are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name in queries.
    pub name: &'static str,
    /// How it matches.
    pub matches: Match,
}

impl Field {
    /// A field that is matched whole.
    #[must_use]
    pub const fn exact(name: &'static str) -> Self {
        Self { name, matches: Match::Exact }
    }

    /// A field that is matched by its beginning.
    #[must_use]
    pub const fn prefix(name: &'static str) -> Self {
        Self { name, matches: Match::Prefix }
    }
}

/// One value under which a document is found; a document may have several for one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// One of the projection's fields.
    pub field: &'static str,
    /// The value, normalised as a query's value is.
    pub value: String,
}

/// A read model: which document an event touches, and what becomes of it.
pub trait Projection: Send + Sync + 'static {
    /// The projection's name in kebab case. Part of the wire: `query.<name>.…`, and its checkpoint.
    const NAME: &'static str;
    /// Number of the code; raise it when folding the same events gives other documents.
    const VERSION: u32;
    /// The fields by which documents are found.
    const FIELDS: &'static [Field] = &[];
    /// The events it reads.
    type When: EventSet;
    /// What readers get. `Default` is the document before its first event.
    type Document: Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;

    /// The document that `event` touches, if any.
    fn key(event: &Recorded<Self::When>) -> Option<Key>;

    /// Takes `event` into `document`.
    fn fold(document: &mut Self::Document, event: &Recorded<Self::When>);

    /// The values under which `document` is found, by [`Self::FIELDS`].
    fn terms(_document: &Self::Document) -> Vec<Term> {
        Vec::new()
    }

    /// Where `document` stands in a list: lists go by this value and then by key.
    #[must_use]
    fn order(_document: &Self::Document) -> String {
        String::new()
    }

    /// A query value in the form that [`Self::terms`] uses, such as lower case.
    #[must_use]
    fn normalise(_field: &str, value: &str) -> String {
        value.trim().to_lowercase()
    }
}
