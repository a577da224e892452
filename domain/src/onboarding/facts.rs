//! What onboarding knows about its person, independent of the order in which it was told.
//! Not here: stages and events; they follow from this.

use std::collections::{BTreeMap, BTreeSet};

use kit::{PartId, Version};
use serde::{Deserialize, Serialize};

/// Distinct skills that complete the last step.
pub(super) const SKILLS_MIN: usize = 1;
/// Most e-mails, and most skills, that one onboarding remembers; a person has far fewer.
const REMEMBERED_MAX: usize = 200;

/// One thing learned about the person. `as_of` is the person's version that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// The person has this e-mail.
    EmailAdded {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    },
    /// The e-mail is the person's.
    EmailVerified {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    },
    /// The e-mail is there, but no longer counts as verified.
    EmailUnverified {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    },
    /// The e-mail is gone.
    EmailRemoved {
        /// The contact.
        contact: PartId,
        /// The person's version.
        as_of: Version,
    },
    /// The person has claimed these skills. Removing one later does not undo the step.
    SkillsAdded {
        /// The skills.
        skills: BTreeSet<PartId>,
    },
    /// The person is suspended.
    Suspended {
        /// The person's version.
        as_of: Version,
    },
    /// The person is no longer suspended.
    Reactivated {
        /// The person's version.
        as_of: Version,
    },
}

/// Where one e-mail stands. The order decides between two facts of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Unverified,
    Verified,
    Removed,
}

/// A value with the person's version that says so; the greater one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Latest<T> {
    as_of: Version,
    value: T,
}

/// How far the facts allow onboarding to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    Email(PartId),
    VerifiedEmail(PartId),
    Skills(PartId),
}

/// Everything learned so far: the same facts in any order, any number of times, give the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    emails: BTreeMap<PartId, Latest<Standing>>,
    skills: BTreeSet<PartId>,
    skills_skipped: bool,
    suspended: Option<Latest<bool>>,
}

impl Facts {
    /// Takes `fact` in.
    pub(super) fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::EmailAdded { contact, as_of } | Fact::EmailUnverified { contact, as_of } => {
                self.email(contact, *as_of, Standing::Unverified);
            }
            Fact::EmailVerified { contact, as_of } => {
                self.email(contact, *as_of, Standing::Verified);
            }
            Fact::EmailRemoved { contact, as_of } => {
                self.email(contact, *as_of, Standing::Removed);
            }
            Fact::SkillsAdded { skills } => self.skills.extend(skills.iter().cloned()),
            Fact::Suspended { as_of } => self.suspension(*as_of, true),
            Fact::Reactivated { as_of } => self.suspension(*as_of, false),
        }
    }

    /// The facts with `fact` among them.
    pub(super) fn and(mut self, fact: &Fact) -> Self {
        self.note(fact);
        self
    }

    pub(super) const fn skip_skills(&mut self) {
        self.skills_skipped = true;
    }

    pub(super) fn too_many(&self) -> bool {
        self.emails.len() > REMEMBERED_MAX || self.skills.len() > REMEMBERED_MAX
    }

    pub(super) fn enough_skills(&self) -> bool {
        self.skills.len() >= SKILLS_MIN
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.is_some_and(|latest| latest.value)
    }

    /// How far the facts reach, with the e-mail that is followed: the one verified first, or, as
    /// long as none is verified, the one added first.
    pub(super) fn reach(&self) -> Reach {
        let first = |standing| {
            let standing_so = self.emails.iter().filter(|(_, latest)| latest.value == standing);
            standing_so.map(|(contact, latest)| (latest.as_of, contact.clone())).min()
        };
        let skills = self.skills_skipped || self.enough_skills();
        match (first(Standing::Verified), first(Standing::Unverified)) {
            (Some((_, contact)), _) if skills => Reach::Skills(contact),
            (Some((_, contact)), _) => Reach::VerifiedEmail(contact),
            (None, Some((_, contact))) => Reach::Email(contact),
            (None, None) => Reach::Nothing,
        }
    }

    fn email(&mut self, contact: &PartId, as_of: Version, value: Standing) {
        let told = Latest { as_of, value };
        let known = self.emails.entry(contact.clone()).or_insert(told);
        *known = told.max(*known);
    }

    fn suspension(&mut self, as_of: Version, value: bool) {
        self.suspended = self.suspended.max(Some(Latest { as_of, value }));
    }
}
