//! Rules of skills: claimed by the person, endorsed by others, certified by institutions.
//! Not here: certificates' deadlines; whoever watches the time asks.

use chrono::{NaiveDate, NaiveTime};
use kit::{Context, PartId};

use super::{Decision, not_in_future, nothing, one, room, today};
use crate::person::{
    AdjustSkill, Certificate, CertificationExpired, CertifySkill, ClaimSkill, EndorseSkill,
    ExpireCertification, Person, PersonError, RemoveSkill, Skill, SkillAdjusted, SkillCertified,
    SkillClaimed, SkillEndorsed, SkillRemoved,
};

/// Most skills of a person.
const SKILLS_MAX: usize = 100;
/// Most endorsers of one skill; the state keeps them all.
const ENDORSERS_MAX: usize = 100;

impl Person {
    pub(super) fn claim_skill(&self, command: &ClaimSkill, context: &Context) -> Decision {
        self.living()?;
        let ClaimSkill { skill_id, name, level } = command;
        let key = name.as_str().to_lowercase();
        for (id, skill) in &self.skills.all {
            let same_id = skill_id.as_ref() == Some(id);
            if skill.name.as_str().to_lowercase() == key {
                let same = (same_id || skill_id.is_none()) && skill.level == *level;
                return if same { nothing() } else { Err(PersonError::SkillExists) };
            }
            if same_id {
                return Err(PersonError::SkillExists);
            }
        }
        room(self.skills.all.len(), SKILLS_MAX)?;
        one(SkillClaimed {
            skill_id: skill_id.clone().unwrap_or_else(|| context.id().into()),
            name: name.clone(),
            level: *level,
        })
    }

    pub(super) fn adjust_skill(&self, command: &AdjustSkill) -> Decision {
        self.living()?;
        if self.skill(&command.skill_id)?.level == command.level {
            return nothing();
        }
        one(SkillAdjusted { skill_id: command.skill_id.clone(), level: command.level })
    }

    pub(super) fn endorse_skill(&self, command: &EndorseSkill, context: &Context) -> Decision {
        self.living()?;
        let skill = self.skill(&command.skill_id)?;
        if context.aggregate_id() == Some(&command.endorser) {
            return Err(PersonError::OwnEndorsement);
        }
        if skill.endorsers.contains(&command.endorser) {
            return nothing();
        }
        room(skill.endorsers.len(), ENDORSERS_MAX)?;
        one(SkillEndorsed {
            skill_id: command.skill_id.clone(),
            endorser: command.endorser.clone(),
        })
    }

    pub(super) fn certify_skill(&self, command: &CertifySkill, context: &Context) -> Decision {
        self.living()?;
        let CertifySkill { skill_id, issuer, issued, expires } = command.clone();
        let certificate = Certificate { issuer, issued, expires };
        if self.skill(&skill_id)?.certificate.as_ref() == Some(&certificate) {
            return nothing();
        }
        not_in_future(issued, context)?;
        if expires.is_some_and(|expires| expires <= issued) {
            return Err(PersonError::CertificationDates);
        }
        if expires.is_some_and(|expires| expires <= today(context)) {
            return Err(PersonError::CertificationOver);
        }
        one(SkillCertified { skill_id, issuer: certificate.issuer, issued, expires })
    }

    pub(super) fn expire_certification(
        &self,
        command: &ExpireCertification,
        context: &Context,
    ) -> Decision {
        let Some(certificate) = &self.skill(&command.skill_id)?.certificate else {
            return nothing();
        };
        match certificate.expires {
            Some(expires) if expires <= today(context) => {
                one(CertificationExpired { skill_id: command.skill_id.clone() })
            }
            expires => Err(PersonError::NotDue {
                due: expires.map(|date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc()),
            }),
        }
    }

    pub(super) fn remove_skill(&self, command: &RemoveSkill) -> Decision {
        self.living()?;
        self.skill(&command.skill_id)?;
        one(SkillRemoved { skill_id: command.skill_id.clone() })
    }

    fn skill(&self, id: &PartId) -> Result<&Skill, PersonError> {
        self.skills.all.get(id).ok_or(PersonError::SkillNotFound)
    }
}
