//! What has happened to a person. Names and fields are the wire: add a version, never edit one.
//! Not here: old shapes.

use super::{NameChangedV1, PersonCreatedV1};

mod component;
mod contact;
mod lifecycle;
mod profile;
mod skill;

pub use component::*;
pub use contact::*;
pub use lifecycle::*;
pub use profile::*;
pub use skill::*;

kit::events! {
    /// What has happened to a person.
    pub enum PersonEvent for "person" {
        "person-created" => PersonCreated: 2 from PersonCreatedV1,
        "name-changed" => NameChanged: 2 from NameChangedV1,
        "birth-date-set" => BirthDateSet: 1,
        "birth-date-corrected" => BirthDateCorrected: 1,
        "contact-added" => ContactAdded: 1,
        "contact-verification-requested" => ContactVerificationRequested: 1,
        "contact-verified" => ContactVerified: 1,
        "contact-verification-failed" => ContactVerificationFailed: 1,
        "contact-verification-exhausted" => ContactVerificationExhausted: 1,
        "contact-verification-expired" => ContactVerificationExpired: 1,
        "contact-undeliverable" => ContactUndeliverable: 1,
        "contact-released" => ContactReleased: 1,
        "preferred-contact-changed" => PreferredContactChanged: 1,
        "contact-removed" => ContactRemoved: 1,
        "skill-claimed" => SkillClaimed: 1,
        "skill-adjusted" => SkillAdjusted: 1,
        "skill-endorsed" => SkillEndorsed: 1,
        "skill-certified" => SkillCertified: 1,
        "certification-expired" => CertificationExpired: 1,
        "skill-removed" => SkillRemoved: 1,
        "component-added" => ComponentAdded: 1,
        "component-updated" => ComponentUpdated: 1,
        "component-removed" => ComponentRemoved: 1,
        "tagged" => Tagged: 1,
        "untagged" => Untagged: 1,
        "preferences-changed" => PreferencesChanged: 1,
        "person-activated" => PersonActivated: 1,
        "person-suspended" => PersonSuspended: 1,
        "person-reactivated" => PersonReactivated: 1,
        "death-recorded" => DeathRecorded: 1,
        "death-retracted" => DeathRetracted: 1,
        "person-archived" => PersonArchived: 1,
        "person-restored" => PersonRestored: 1,
    }
}
