//! What may be asked about a person. Names and fields are the wire.
//! Not here: whether it may be done.

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

kit::commands! {
    /// What may be asked about a person.
    pub enum PersonCommand {
        "create-person" => CreatePerson,
        "change-name" => ChangeName,
        "set-birth-date" => SetBirthDate,
        "correct-birth-date" => CorrectBirthDate,
        "add-contact" => AddContact,
        "request-contact-verification" => RequestContactVerification,
        "confirm-contact" => ConfirmContact,
        "expire-contact-verification" => ExpireContactVerification,
        "mark-contact-undeliverable" => MarkContactUndeliverable,
        "set-preferred-contact" => SetPreferredContact,
        "remove-contact" => RemoveContact,
        "release-contact" => ReleaseContact,
        "claim-skill" => ClaimSkill,
        "adjust-skill" => AdjustSkill,
        "endorse-skill" => EndorseSkill,
        "certify-skill" => CertifySkill,
        "expire-certification" => ExpireCertification,
        "remove-skill" => RemoveSkill,
        "add-component" => AddComponent,
        "update-component" => UpdateComponent,
        "remove-component" => RemoveComponent,
        "tag" => AddTag,
        "untag" => RemoveTag,
        "set-preferences" => SetPreferences,
        "activate" => Activate,
        "suspend" => Suspend,
        "reactivate" => Reactivate,
        "record-death" => RecordDeath,
        "retract-death" => RetractDeath,
        "archive" => Archive,
        "restore" => Restore,
    }
}
