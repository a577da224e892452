//! What has happened to a person's skills.
//! Not here: what else changes with it; the state says so.

use chrono::NaiveDate;
use kit::{AggregateId, PartId};

use crate::person::{Label, SkillLevel, SkillName};

payloads! {
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
}
