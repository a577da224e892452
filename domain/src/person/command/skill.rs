//! What may be asked about a person's skills.
//! Not here: whether it may be done.

use chrono::NaiveDate;
use kit::{AggregateId, PartId};

use crate::person::{Label, SkillLevel, SkillName};

bodies! {
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
}
