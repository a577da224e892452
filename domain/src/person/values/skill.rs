//! What a person can do, how well, and who says so.

use serde::{Deserialize, Serialize};

use super::Text;

/// The name of a skill, such as `Rust`.
pub type SkillName = Text<100>;

/// How well a person can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkillLevel {
    /// Has begun.
    Beginner,
    /// Can do it with help.
    Intermediate,
    /// Can do it alone.
    Advanced,
    /// Can teach it.
    Expert,
}
