//! What may be asked about a person. Names and fields are the wire.
//! Not here: whether it may be done.

use chrono::NaiveDate;
use kit::{AggregateId, PartId};
use serde::{Deserialize, Serialize};

use super::{
    Component, ContactPoint, ContactUse, ExternalId, Invalid, Label, NameUse, PersonName,
    Preferences, Reason, ReleaseReason, SkillLevel, SkillName, Source, Tag,
};

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

macro_rules! bodies {
    ($($(#[$doc:meta])* $Name:ident {
        $($(#[$field_doc:meta])* $field:ident: $Type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $($(#[$field_doc])* pub $field: $Type,)*
        }
    )*};
}

bodies! {
    /// Make a person known.
    CreatePerson {
        /// The official name.
        name: PersonName,
        /// Where the person comes from.
        source: Source,
        /// What other systems call the person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        external_ids: Vec<ExternalId>,
    }
    /// Change one of the person's names.
    ChangeName {
        /// Which of the names; the official one if absent.
        #[serde(rename = "use", default)]
        usage: NameUse,
        /// The name from now on.
        name: PersonName,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Since when; not in the future.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<NaiveDate>,
    }
    /// Say for the first time when the person was born.
    SetBirthDate {
        /// The date.
        date: NaiveDate,
    }
    /// Say that the birth date was wrong. Only for a named user.
    CorrectBirthDate {
        /// The right date.
        date: NaiveDate,
        /// Why it is right.
        reason: Reason,
    }
    /// Send a code to a contact.
    RequestContactVerification {
        /// The contact.
        contact_id: PartId,
        /// Whether to send another code though one is under way.
        #[serde(default)]
        resend: bool,
    }
    /// Hand back the code that was sent.
    ConfirmContact {
        /// The contact.
        contact_id: PartId,
        /// The challenge that the code answers.
        challenge_id: PartId,
        /// The six digits.
        code: String,
    }
    /// Let a code end when its time has come.
    ExpireContactVerification {
        /// The contact.
        contact_id: PartId,
        /// The challenge.
        challenge_id: PartId,
    }
    /// Say that what is sent to a contact comes back.
    MarkContactUndeliverable {
        /// The contact.
        contact_id: PartId,
        /// The evidence.
        reason: Reason,
    }
    /// Reach the person here first.
    SetPreferredContact {
        /// A verified contact.
        contact_id: PartId,
    }
    /// Take a contact away.
    RemoveContact {
        /// The contact.
        contact_id: PartId,
        /// Even if it is the only verified contact of an active person.
        #[serde(default)]
        forced: bool,
    }
    /// Take the verification of a contact back. Asked by a policy, not by people.
    ReleaseContact {
        /// The contact.
        contact_id: PartId,
        /// Why.
        reason: ReleaseReason,
    }
    /// Say that the person can do something.
    ClaimSkill {
        /// The skill's id within the person; made if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skill_id: Option<PartId>,
        /// What.
        name: SkillName,
        /// How well.
        level: SkillLevel,
    }
    /// Say that the person does it better or worse than was known.
    AdjustSkill {
        /// The skill.
        skill_id: PartId,
        /// How well.
        level: SkillLevel,
    }
    /// Say as another person that it is so.
    EndorseSkill {
        /// The skill.
        skill_id: PartId,
        /// The other person's id.
        endorser: AggregateId,
    }
    /// Say that an institution has certified a skill.
    CertifySkill {
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
    /// Let a certificate end when its time has come.
    ExpireCertification {
        /// The skill.
        skill_id: PartId,
    }
    /// Take a skill away.
    RemoveSkill {
        /// The skill.
        skill_id: PartId,
    }
    /// Take a component away.
    RemoveComponent {
        /// The component.
        component_id: PartId,
    }
    /// Give the person a tag.
    AddTag {
        /// The tag.
        tag: Tag,
    }
    /// Take a tag away.
    RemoveTag {
        /// The tag.
        tag: Tag,
    }
    /// Let the person take part.
    Activate {}
    /// Let the person not take part for now.
    Suspend {
        /// Why.
        reason: Reason,
    }
    /// End a suspension.
    Reactivate {
        /// Why.
        reason: Reason,
    }
    /// Say that the person is dead.
    RecordDeath {
        /// Since when.
        date: NaiveDate,
    }
    /// Say that the person is not dead after all. Only for a named user.
    RetractDeath {
        /// How we know.
        reason: Reason,
    }
    /// Close the record.
    Archive {
        /// Why.
        reason: Reason,
    }
    /// Open a closed record again.
    Restore {
        /// Why.
        reason: Reason,
    }
}

/// Set all preferences; what is absent is no longer preferred.
pub type SetPreferences = Preferences;

/// Add a way to reach the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ContactForm")]
pub struct AddContact {
    /// The contact's id within the person; made if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<PartId>,
    /// The way: `kind` and `value`.
    #[serde(flatten)]
    pub point: ContactPoint,
    /// Where it reaches the person.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<ContactUse>,
}

/// Flattening and refusing unknown fields do not go together in serde, so the flat form is read first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContactForm {
    contact_id: Option<PartId>,
    kind: serde_json::Value,
    value: serde_json::Value,
    #[serde(rename = "use")]
    usage: Option<ContactUse>,
}

impl TryFrom<ContactForm> for AddContact {
    type Error = Invalid;

    fn try_from(form: ContactForm) -> Result<Self, Invalid> {
        let point = serde_json::json!({ "kind": form.kind, "value": form.value });
        let point = serde_json::from_value(point).map_err(|error| Invalid(error.to_string()))?;
        Ok(Self { contact_id: form.contact_id, point, usage: form.usage })
    }
}

/// Add a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ComponentForm")]
pub struct AddComponent {
    /// The component's id within the person; made if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_id: Option<PartId>,
    /// Its type and data: `component_type` and `data`.
    #[serde(flatten)]
    pub component: Component,
}

/// Give a component other data of the same type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ComponentForm")]
pub struct UpdateComponent {
    /// The component.
    pub component_id: PartId,
    /// The same type and the new data, whole: `component_type` and `data`.
    #[serde(flatten)]
    pub component: Component,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentForm {
    component_id: Option<PartId>,
    component_type: serde_json::Value,
    data: serde_json::Value,
}

impl ComponentForm {
    fn read(self) -> Result<(Option<PartId>, Component), Invalid> {
        let json = serde_json::json!({ "component_type": self.component_type, "data": self.data });
        let component = serde_json::from_value(json).map_err(|error| Invalid(error.to_string()))?;
        Ok((self.component_id, component))
    }
}

impl TryFrom<ComponentForm> for AddComponent {
    type Error = Invalid;

    fn try_from(form: ComponentForm) -> Result<Self, Invalid> {
        form.read().map(|(component_id, component)| Self { component_id, component })
    }
}

impl TryFrom<ComponentForm> for UpdateComponent {
    type Error = Invalid;

    fn try_from(form: ComponentForm) -> Result<Self, Invalid> {
        let (component_id, component) = form.read()?;
        let component_id =
            component_id.ok_or_else(|| Invalid("missing field `component_id`".to_owned()))?;
        Ok(Self { component_id, component })
    }
}
