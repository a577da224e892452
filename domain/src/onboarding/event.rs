//! What can have happened to an onboarding. Names and fields are the wire: add a version, never
//! edit one. Not here: where an event leads.

use chrono::{DateTime, Utc};
use kit::PartId;
use serde::{Deserialize, Serialize};

use super::Fact;

kit::events! {
    /// What can have happened to an onboarding.
    pub enum OnboardingEvent for "onboarding" {
        "onboarding-started" => OnboardingStarted: 1,
        "onboarding-fact-noted" => OnboardingFactNoted: 1,
        "onboarding-email-added" => OnboardingEmailAdded: 1,
        "onboarding-email-verified" => OnboardingEmailVerified: 1,
        "onboarding-skills-added" => OnboardingSkillsAdded: 1,
        "onboarding-skills-skipped" => OnboardingSkillsSkipped: 1,
        "onboarding-stepped-back" => OnboardingSteppedBack: 1,
        "onboarding-completed" => OnboardingCompleted: 1,
        "onboarding-reminded" => OnboardingReminded: 1,
        "onboarding-expired" => OnboardingExpired: 1,
        "onboarding-cancelled" => OnboardingCancelled: 1,
        "onboarding-reopened" => OnboardingReopened: 1,
    }
}

/// Why an onboarding was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// The person has died.
    Death,
    /// The person was archived.
    Archived,
    /// Someone asked for it.
    Requested,
}

/// Onboarding has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingStarted {
    /// Until when it should be complete.
    pub deadline: DateTime<Utc>,
    /// When the first reminder is due.
    pub remind_at: DateTime<Utc>,
}

/// Something was learned about the person. Where that leads is told by the events after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OnboardingFactNoted {
    /// What was learned.
    pub fact: Fact,
}

/// There is an e-mail to follow, or from now on this one is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingEmailAdded {
    /// The contact that is followed.
    pub contact: PartId,
}

/// There is a verified e-mail to follow, or from now on this one is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingEmailVerified {
    /// The contact that is followed.
    pub contact: PartId,
}

/// There are enough skills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingSkillsAdded {}

/// Skills are not asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingSkillsSkipped {}

/// The e-mail that was followed is gone or no longer verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingSteppedBack {
    /// The contact that was followed.
    pub contact: PartId,
}

/// Everything asked for is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingCompleted {
    /// The verified contact that was followed.
    pub contact: PartId,
}

/// The person was reminded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingReminded {
    /// How many reminders there have been, with this one.
    pub number: u32,
    /// When the next one is due, if there is one.
    pub remind_at: Option<DateTime<Utc>>,
}

/// The deadline has passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingExpired {}

/// It was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingCancelled {
    /// Why.
    pub reason: CancelReason,
}

/// It has another chance; the facts stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnboardingReopened {
    /// Until when it should be complete.
    pub deadline: DateTime<Utc>,
    /// When the next reminder is due.
    pub remind_at: DateTime<Utc>,
}
