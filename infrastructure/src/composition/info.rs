//! What a composition says about its parts, and why one cannot run. Not here: the parts.

use std::fmt;

use kit::{Field, tables::Query};
use serde::{Deserialize, Serialize};

/// What a handler is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandlerKind {
    /// Answers events with commands.
    Policy,
    /// Touches the outside.
    Effect,
    /// Turns events into rows: documents, or tables.
    Projection,
    /// No handler of events, but what one instance does for all: keeping the timers, carrying out
    /// durable commands.
    Duty,
}

impl fmt::Display for HandlerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "policy",
            Self::Effect => "effect",
            Self::Projection => "projection",
            Self::Duty => "duty",
        })
    }
}

/// A handler's name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HandlerInfo {
    /// The name, unique among all handlers.
    pub name: &'static str,
    /// What it is.
    pub kind: HandlerKind,
}

/// A projection, and what may be asked of it.
#[derive(Debug, Clone)]
pub struct ProjectionInfo {
    /// Its name.
    pub name: &'static str,
    /// Its style.
    pub style: ProjectionStyle,
}

/// The styles in which projections are written, as readers meet them.
#[derive(Debug, Clone)]
pub enum ProjectionStyle {
    /// `get`, `list` and `count` over documents.
    Documents {
        /// The fields by which documents are found and counted.
        fields: &'static [Field],
        /// The JSON Schema of a document.
        schema: serde_json::Value,
    },
    /// The queries that are declared.
    Tables {
        /// Each of them.
        queries: &'static [Query],
    },
}

/// Why a composition cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompositionError {
    /// Two parts share a name that names leases, checkpoints or subjects.
    #[error("two parts are named {0:?}")]
    Twice(&'static str),
    /// A name is not a kebab-case word, so it cannot be a subject token.
    #[error("{0:?} is not a kebab-case word")]
    Name(&'static str),
    /// A handler reads an aggregate that is not listed.
    #[error("{handler} reads events of {aggregate:?}, which is no aggregate of this service")]
    Aggregate {
        /// The handler.
        handler: &'static str,
        /// What it reads.
        aggregate: &'static str,
    },
    /// What a projection declares cannot be made or asked.
    #[error("{projection}: {why}")]
    Declared {
        /// The projection.
        projection: &'static str,
        /// What is wrong.
        why: String,
    },
}
