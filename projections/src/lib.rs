//! The projections: one file per reader's noun. Pure functions fold events into documents, or say which
//! rows of tables an event changes.
//! A `match` over events has no wildcard here, so that a new event must be given a meaning.
//! Not here: where rows are stored, and commands; a projection asks for nothing.

mod design_funnel;
mod design_patterns;
mod design_requests;
pub mod directory;
mod lifecycle;
mod money;
pub mod onboarding_board;
pub mod people;
mod seen;
mod skills;
mod stripe_inbox;
pub mod timeline;

pub use design_funnel::DesignFunnel;
pub use design_patterns::DesignPatterns;
pub use design_requests::{DesignRequests, DesignRequestsEvent};
pub use directory::Directory;
pub use lifecycle::{Lifecycle, Stage};
pub use onboarding_board::OnboardingBoard;
pub use people::People;
pub use skills::Skills;
pub use stripe_inbox::{StripeInbox, StripeInboxEvent};
pub use timeline::Timeline;
