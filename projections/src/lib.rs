//! The projections: one file per reader's noun, documents folded from events by pure functions.
//! A `match` over events has no wildcard here, so that a new event must be given a meaning.
//! Not here: where documents are stored, and commands; a projection asks for nothing.

pub mod directory;
mod lifecycle;
pub mod onboarding_board;
pub mod people;
mod seen;
pub mod timeline;

pub use directory::Directory;
pub use lifecycle::{Lifecycle, Stage};
pub use onboarding_board::OnboardingBoard;
pub use people::People;
pub use timeline::Timeline;
