//! What a person can do, each skill with its own small machine of recognition.
//! Not here: who may endorse or certify.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kit::{AggregateId, Machine, PartId};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::person::{Label, PersonEvent, SkillLevel, SkillName};

/// Who says that the person has the skill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(name(RecognitionStage), doc = "The kinds of [`Recognition`].")]
#[strum_discriminants(derive(VariantArray, IntoStaticStr))]
pub enum Recognition {
    /// Nobody yet.
    #[default]
    Absent,
    /// The person.
    Claimed,
    /// Others, too.
    Endorsed,
    /// An institution, too.
    Certified {
        /// Whether others say so as well: what remains when the certificate ends.
        endorsed: bool,
    },
    /// The skill is gone.
    Removed,
}

impl Machine for Recognition {
    type Event = PersonEvent;
    type Stage = RecognitionStage;

    #[rustfmt::skip] // A table: one arrow per line. It looks at kinds, never at values.
    fn after(self, event: &PersonEvent) -> Result<Self, Self> {
        use PersonEvent as E;
        Ok(match (self, event) {
            (Self::Absent,                          E::SkillClaimed(_))         => Self::Claimed,
            (Self::Claimed | Self::Endorsed,        E::SkillEndorsed(_))        => Self::Endorsed,
            (Self::Claimed,                         E::SkillCertified(_))       => Self::Certified { endorsed: false },
            (Self::Endorsed,                        E::SkillCertified(_))       => Self::Certified { endorsed: true },
            (Self::Certified { endorsed },          E::SkillCertified(_))       => Self::Certified { endorsed },
            (Self::Certified { .. },                E::SkillEndorsed(_))        => Self::Certified { endorsed: true },
            (Self::Certified { endorsed: false },   E::CertificationExpired(_)) => Self::Claimed,
            (Self::Certified { endorsed: true },    E::CertificationExpired(_)) => Self::Endorsed,
            (Self::Claimed,                         E::SkillAdjusted(_))        => Self::Claimed,
            (Self::Endorsed,                        E::SkillAdjusted(_))        => Self::Endorsed,
            (Self::Certified { endorsed },          E::SkillAdjusted(_))        => Self::Certified { endorsed },
            (Self::Claimed | Self::Endorsed | Self::Certified { .. }, E::SkillRemoved(_)) => Self::Removed,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> RecognitionStage {
        self.into()
    }
}

/// What an institution says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Which institution.
    pub issuer: Label,
    /// Since when.
    pub issued: NaiveDate,
    /// Until the beginning of which day, if it ends.
    pub expires: Option<NaiveDate>,
}

/// One thing that a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// What.
    pub name: SkillName,
    /// How well.
    pub level: SkillLevel,
    /// Who says so.
    pub recognition: Recognition,
    /// The persons who say so.
    pub endorsers: BTreeSet<AggregateId>,
    /// The certificate, while it holds.
    pub certificate: Option<Certificate>,
}

/// All that a person can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Skills {
    /// The skills by id.
    pub all: BTreeMap<PartId, Skill>,
}

impl Skills {
    pub(super) fn take(&mut self, event: &PersonEvent) {
        if let PersonEvent::SkillClaimed(claimed) = event {
            self.all.entry(claimed.skill_id.clone()).or_insert_with(|| Skill {
                name: claimed.name.clone(),
                level: claimed.level,
                recognition: Recognition::Absent,
                endorsers: BTreeSet::new(),
                certificate: None,
            });
        }
        let Some((id, skill)) = self.touched(event) else { return };
        skill.recognition.advance(event);
        match event {
            PersonEvent::SkillAdjusted(adjusted) => skill.level = adjusted.level,
            PersonEvent::SkillEndorsed(endorsed) => {
                skill.endorsers.insert(endorsed.endorser.clone());
            }
            PersonEvent::SkillCertified(certified) => {
                skill.certificate = Some(Certificate {
                    issuer: certified.issuer.clone(),
                    issued: certified.issued,
                    expires: certified.expires,
                });
            }
            PersonEvent::CertificationExpired(_) => skill.certificate = None,
            PersonEvent::SkillRemoved(_) => {
                self.all.remove(&id);
            }
            _ => {}
        }
    }

    fn touched(&mut self, event: &PersonEvent) -> Option<(PartId, &mut Skill)> {
        use PersonEvent as E;
        let id = match event {
            E::SkillClaimed(event) => &event.skill_id,
            E::SkillAdjusted(event) => &event.skill_id,
            E::SkillEndorsed(event) => &event.skill_id,
            E::SkillCertified(event) => &event.skill_id,
            E::CertificationExpired(event) => &event.skill_id,
            E::SkillRemoved(event) => &event.skill_id,
            _ => return None,
        };
        self.all.get_mut(id).map(|skill| (id.clone(), skill))
    }
}
