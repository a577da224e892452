//! Onboarding: the way of a new person to a verified e-mail and a first skill, by a deadline.
//!
//! It learns what it knows from facts that the onboarding-driver policy notes. Facts may come
//! late, twice and in any order: each says as of which version of the person it holds, the newest
//! one stands, and the state follows from the facts. The id is the person's.
//! Not here: the person, timers, and who is told about the outcome.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod facts;
mod state;

pub use command::{
    Cancel, CompleteOnboarding, Expire, NoteEmailAdded, NoteEmailRemoved, NoteEmailUnverified,
    NoteEmailVerified, NoteReactivated, NoteSkillsAdded, NoteSuspended, OnboardingCommand, Remind,
    Reopen, SkipSkills, StartOnboarding,
};
pub use error::OnboardingError;
pub use event::{
    CancelReason, OnboardingCancelled, OnboardingCompleted, OnboardingEmailAdded,
    OnboardingEmailVerified, OnboardingEvent, OnboardingExpired, OnboardingFactNoted,
    OnboardingReminded, OnboardingReopened, OnboardingSkillsAdded, OnboardingSkillsSkipped,
    OnboardingStarted, OnboardingSteppedBack,
};
pub use facts::{Fact, Facts};
pub use state::{Onboarding, OnboardingStage, Progress, Tracked};
