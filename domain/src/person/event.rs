//! What has happened to a person. Names and fields are the wire: add a version, never edit one.
//! Not here: old shapes.

use chrono::{DateTime, NaiveDate, Utc};
use kit::{AggregateId, PartId};
use serde::{Deserialize, Serialize};

use super::{
    Component, ContactKind, ContactPoint, ContactUse, ExternalId, Label, NameChangedV1, NameUse,
    PersonCreatedV1, PersonName, Preferences, Reason, ReleaseReason, SkillLevel, SkillName, Source,
    Tag,
};

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

macro_rules! payloads {
    ($($(#[$doc:meta])* $Name:ident {
        $($(#[$field_doc:meta])* $field:ident: $Type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $Type,)*
        }
    )*};
}

payloads! {
    /// A person is known.
    PersonCreated {
        /// The official name.
        name: PersonName,
        /// Where the person comes from.
        source: Source,
        /// Whether the person is to be onboarded: so it is unless the source is trusted. A fact
        /// and not a rule of the reader, so that trusting another source changes no old person.
        onboarding: bool,
        /// What other systems call the person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        external_ids: Vec<ExternalId>,
    }
    /// One of the person's names is another now.
    NameChanged {
        /// Which of the names.
        #[serde(rename = "use")]
        usage: NameUse,
        /// The name from now on.
        name: PersonName,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Since when, if not since the event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<NaiveDate>,
    }
    /// The birth date is known.
    BirthDateSet {
        /// The date.
        date: NaiveDate,
    }
    /// The birth date was wrong.
    BirthDateCorrected {
        /// The right date.
        date: NaiveDate,
        /// Why it is right.
        reason: Reason,
    }
    /// There is one more way to reach the person; nobody has verified it yet.
    ContactAdded {
        /// The contact's id within the person.
        contact_id: PartId,
        /// The way.
        #[serde(flatten)]
        point: ContactPoint,
        /// Where it reaches the person.
        #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
        usage: Option<ContactUse>,
    }
    /// A code is to be sent to the contact. An earlier challenge of the contact ends.
    ContactVerificationRequested {
        /// The contact.
        contact_id: PartId,
        /// Its kind, which says how the code is sent.
        kind: ContactKind,
        /// The challenge; whoever holds the service's secret makes the code from it.
        challenge_id: PartId,
        /// When it was asked for.
        requested_at: DateTime<Utc>,
        /// When the code stops working.
        expires_at: DateTime<Utc>,
        /// How many codes may be tried.
        attempts: u8,
    }
    /// The right code came: whoever acts for the person reads what is sent to the contact.
    ContactVerified {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The id of the reservation of this address or number: a keyed digest in hexadecimal.
        reservation: AggregateId,
    }
    /// A wrong code came, and others may be tried.
    ContactVerificationFailed {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
        /// How many codes may still be tried.
        attempts_left: u8,
    }
    /// A wrong code came, and it was the last that could be tried.
    ContactVerificationExhausted {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// The code stopped working before it came.
    ContactVerificationExpired {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// What is sent to the contact comes back. It is not preferred any more.
    ContactUndeliverable {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The reservation that ends with it, if the contact was verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<AggregateId>,
        /// The evidence.
        reason: Reason,
    }
    /// The contact is not verified any more, and not preferred.
    ContactReleased {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// Why.
        reason: ReleaseReason,
    }
    /// The person is to be reached here first.
    PreferredContactChanged {
        /// The contact.
        contact_id: PartId,
    }
    /// The contact is gone, and not preferred.
    ContactRemoved {
        /// The contact.
        contact_id: PartId,
        /// Its kind.
        kind: ContactKind,
        /// The reservation that ends with it, if the contact was verified.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<AggregateId>,
    }
    /// The person says they can do something.
    SkillClaimed {
        /// The skill's id within the person.
        skill_id: PartId,
        /// What.
        name: SkillName,
        /// How well.
        level: SkillLevel,
    }
    /// The person does it better or worse than was known.
    SkillAdjusted {
        /// The skill.
        skill_id: PartId,
        /// How well.
        level: SkillLevel,
    }
    /// Another person says so too.
    SkillEndorsed {
        /// The skill.
        skill_id: PartId,
        /// The other person's id.
        endorser: AggregateId,
    }
    /// An institution says so.
    SkillCertified {
        /// The skill.
        skill_id: PartId,
        /// Which institution.
        issuer: Label,
        /// Since when.
        issued: NaiveDate,
        /// Until the beginning of which day, if it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<NaiveDate>,
    }
    /// The certificate has ended; the skill is what it was without.
    CertificationExpired {
        /// The skill.
        skill_id: PartId,
    }
    /// The skill is gone.
    SkillRemoved {
        /// The skill.
        skill_id: PartId,
    }
    /// A component is there.
    ComponentAdded {
        /// The component's id within the person.
        component_id: PartId,
        /// Its type and data.
        #[serde(flatten)]
        component: Component,
    }
    /// A component has other data.
    ComponentUpdated {
        /// The component.
        component_id: PartId,
        /// The same type and the new data, whole.
        #[serde(flatten)]
        component: Component,
    }
    /// A component is gone.
    ComponentRemoved {
        /// The component.
        component_id: PartId,
    }
    /// The person has a tag.
    Tagged {
        /// The tag.
        tag: Tag,
    }
    /// The person has the tag no more.
    Untagged {
        /// The tag.
        tag: Tag,
    }
    /// The person wants to be treated like this.
    PreferencesChanged {
        /// All preferences; they replace the earlier ones.
        #[serde(flatten)]
        preferences: Preferences,
    }
    /// The person takes part.
    PersonActivated {}
    /// The person may not take part for now.
    PersonSuspended {
        /// Why.
        reason: Reason,
    }
    /// The person is again what they were before the suspension.
    PersonReactivated {
        /// Why.
        reason: Reason,
    }
    /// The person is dead.
    DeathRecorded {
        /// Since when.
        date: NaiveDate,
    }
    /// The person is not dead after all, and again what they were.
    DeathRetracted {
        /// How we know.
        reason: Reason,
    }
    /// The record is closed.
    PersonArchived {
        /// Why.
        reason: Reason,
    }
    /// The record is open again, as it was.
    PersonRestored {
        /// Why.
        reason: Reason,
    }
}
