//! The stage of a person's life as readers see it, with what an interruption returns to.
//! Not here: which step may follow which; the events tell what has happened.

use serde::{Deserialize, Serialize};

/// A stage of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nobody is known.
    #[default]
    Unknown,
    /// Known, and not taking part yet.
    Provisional,
    /// Taking part.
    Active,
    /// Not taking part for now.
    Suspended,
    /// Dead.
    Deceased,
    /// The record is closed.
    Archived,
}

impl Stage {
    /// The stage as text, as in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Provisional => "provisional",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deceased => "deceased",
            Self::Archived => "archived",
        }
    }
}

/// The stage of a life, and the stages it returns to, the last one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// The stage.
    pub lifecycle: Stage,
    /// What a reactivation, a retraction or a restoration returns to; the next one is the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns_to: Vec<Stage>,
}

impl Lifecycle {
    pub(crate) fn begin(&mut self) {
        *self = Self { lifecycle: Stage::Provisional, returns_to: Vec::new() };
    }

    /// Who is activated while suspended is active when the suspension ends.
    pub(crate) fn activate(&mut self) {
        match self.returns_to.first_mut() {
            Some(stage) => *stage = Stage::Active,
            None => self.lifecycle = Stage::Active,
        }
    }

    pub(crate) fn interrupt(&mut self, stage: Stage) {
        self.returns_to.push(self.lifecycle);
        self.lifecycle = stage;
    }

    pub(crate) fn resume(&mut self) {
        if let Some(stage) = self.returns_to.pop() {
            self.lifecycle = stage;
        }
    }
}
