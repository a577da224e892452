//! What is wrong with a document, and where.

use std::fmt;

use kit::Position;
use serde::Serialize;

/// Findings that are kept: a file that is something else altogether has one for each line.
pub(super) const FINDINGS_MAX: usize = 100;

/// The ways in which a document is not what it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A line that is none of a document, or stands where it must not.
    Unreadable,
    /// A message that does not have its hash.
    Altered,
    /// A commit that others follow, and that is not there.
    Removed,
    /// A commit that no other one follows, though there are later ones.
    Added,
    /// A commit that stands behind a later one.
    Reordered,
    /// A chain that does not go on as the commits do.
    Broken,
    /// Versions that are not dense, or not those of the payload.
    Versions,
    /// A head that is not that of the commits.
    Head,
    /// Lines that are not those that were written.
    Lines,
    /// Events beside a payload that are not what it holds.
    Events,
    /// A chain in which the head that was noted is nowhere.
    Rewritten,
    /// A commit that the log has as another one.
    Differs,
    /// A commit that the log does not have.
    NotInLog,
    /// A commit of the log that is missing here.
    Missing,
    /// A commit that the log stored at another time.
    StoredAt,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which commit, if it is one.
    pub position: Option<Position>,
    /// What is wrong.
    pub fault: Fault,
    /// The same in words.
    pub detail: String,
}

impl Finding {
    pub(super) fn at(position: Position, fault: Fault, detail: impl Into<String>) -> Self {
        Self { position: Some(position), fault, detail: detail.into() }
    }

    pub(super) fn of_all(fault: Fault, detail: impl Into<String>) -> Self {
        Self { position: None, fault, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "position {position}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}
