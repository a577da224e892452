//! What a person can do, as readers see it.
//! Not here: who may say so.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::person::{Label, SkillCertified, SkillClaimed, SkillLevel, SkillName};
use kit::AggregateId;
use serde::{Deserialize, Serialize};

/// Something that a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillView {
    /// What.
    pub name: SkillName,
    /// How well.
    pub level: SkillLevel,
    /// The persons who say so too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub endorsers: BTreeSet<AggregateId>,
    /// What an institution says, while it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// What an institution says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Which institution.
    pub issuer: Label,
    /// Since when.
    pub issued: NaiveDate,
    /// Until the beginning of which day, if it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<NaiveDate>,
}

impl From<&SkillClaimed> for SkillView {
    fn from(claimed: &SkillClaimed) -> Self {
        Self {
            name: claimed.name.clone(),
            level: claimed.level,
            endorsers: BTreeSet::new(),
            certificate: None,
        }
    }
}

impl From<&SkillCertified> for Certificate {
    fn from(certified: &SkillCertified) -> Self {
        Self {
            issuer: certified.issuer.clone(),
            issued: certified.issued,
            expires: certified.expires,
        }
    }
}

impl SkillView {
    pub(super) fn endorsed(&mut self, endorser: &AggregateId) {
        self.endorsers.insert(endorser.clone());
    }
}
