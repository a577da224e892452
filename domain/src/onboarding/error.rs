//! Why an onboarding refuses a command.
//! Not here: how a refusal travels.

use chrono::{DateTime, Utc};

use super::OnboardingStage;

/// Why an onboarding refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnboardingError {
    /// There is no onboarding for this person, for instance because the source is trusted.
    #[error("onboarding was not started for this person")]
    NotStarted,
    /// The command does not fit where onboarding stands.
    #[error("not while onboarding is at {0:?}")]
    NotWhile(OnboardingStage),
    /// A suspended person cannot complete it.
    #[error("the person is suspended")]
    PersonSuspended,
    /// The time for it has not come.
    #[error("not due before {due}")]
    NotDue {
        /// When it is due.
        due: DateTime<Utc>,
    },
    /// All reminders have been sent.
    #[error("no more than {max} reminders are sent")]
    RemindersExhausted {
        /// How many there are.
        max: u32,
    },
    /// The deadline must lie ahead.
    #[error("the deadline has already passed")]
    DeadlinePassed,
    /// Only a named user may do this.
    #[error("a named user must ask for this")]
    ActorRequired,
    /// More facts than one onboarding remembers.
    #[error("too many e-mails or skills for one onboarding")]
    TooManyFacts,
}

impl kit::DomainError for OnboardingError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotStarted => "onboarding-not-started",
            Self::NotWhile(_) => "onboarding-not-while",
            Self::PersonSuspended => "person-suspended",
            Self::NotDue { .. } => "not-due",
            Self::RemindersExhausted { .. } => "reminders-exhausted",
            Self::DeadlinePassed => "deadline-passed",
            Self::ActorRequired => "actor-required",
            Self::TooManyFacts => "too-many-facts",
        }
    }
}
