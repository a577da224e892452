//! What may be asked of an onboarding. The `note-…` commands come from the onboarding-driver.
//! Not here: the rules.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use kit::{PartId, Version};

use super::CancelReason;

kit::commands! {
    /// What may be asked of an onboarding.
    pub enum OnboardingCommand {
        "start-onboarding" => StartOnboarding,
        "note-email-added" => NoteEmailAdded,
        "note-email-verified" => NoteEmailVerified,
        "note-email-unverified" => NoteEmailUnverified,
        "note-email-removed" => NoteEmailRemoved,
        "note-skills-added" => NoteSkillsAdded,
        "note-suspended" => NoteSuspended,
        "note-reactivated" => NoteReactivated,
        "skip-skills" => SkipSkills,
        "complete-onboarding" => CompleteOnboarding,
        "remind" => Remind,
        "expire" => Expire,
        "cancel" => Cancel,
        "reopen" => Reopen,
    }
}

bodies! {
    /// Begin to onboard the person with this id.
    StartOnboarding {
        /// Until when; by default in 14 days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<DateTime<Utc>>,
    }
    /// The person has added an e-mail.
    NoteEmailAdded {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    }
    /// The person has verified an e-mail.
    NoteEmailVerified {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    }
    /// An e-mail no longer counts as verified: it cannot be delivered to, or is someone else's.
    NoteEmailUnverified {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    }
    /// The person has removed an e-mail.
    NoteEmailRemoved {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    }
    /// The person has claimed skills.
    NoteSkillsAdded {
        /// The skills.
        skills: BTreeSet<PartId>,
    }
    /// The person has been suspended.
    NoteSuspended {
        /// The person's version.
        as_of: Version,
    }
    /// The person has been reactivated.
    NoteReactivated {
        /// The person's version.
        as_of: Version,
    }
    /// Go on without skills, because a named user says so.
    SkipSkills {}
    /// Finish: everything asked for is there.
    CompleteOnboarding {}
    /// Remind the person, if a reminder is due.
    Remind {}
    /// Close what has passed its deadline.
    Expire {}
    /// Give up.
    Cancel {
        /// Why.
        reason: CancelReason,
    }
    /// Give an expired onboarding another chance.
    Reopen {
        /// Until when; by default in 14 days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<DateTime<Utc>>,
    }
}
