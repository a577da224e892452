//! Where a person stands, and where each fact leads.
//! Not here: rules; they decide which facts there are, and nothing in here refuses one.

mod contact;
mod lifecycle;
mod skill;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use kit::{Machine, PartId};
use serde::{Deserialize, Serialize};

pub use contact::{Contact, Contacts, Verification, VerificationStage};
pub(super) use contact::{REQUEST_WINDOW, Request};
pub use lifecycle::{Lasting, Lifecycle, LifecycleStage, Living, Standing};
pub use skill::{Certificate, Recognition, RecognitionStage, Skill, Skills};

use super::{Component, NameUse, PersonCreated, PersonEvent, PersonName, Preferences, Tag};

/// A person as the facts have made them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The stage of life.
    pub lifecycle: Lifecycle,
    /// How the person became known; absent before.
    pub origin: Option<PersonCreated>,
    /// The names by use.
    pub names: BTreeMap<NameUse, PersonName>,
    /// When the person was born, if known.
    pub birth_date: Option<NaiveDate>,
    /// When the person died, if they did.
    pub death_date: Option<NaiveDate>,
    /// The ways to reach the person.
    pub contacts: Contacts,
    /// What the person can do.
    pub skills: Skills,
    /// The components by id.
    pub components: BTreeMap<PartId, Component>,
    /// The tags.
    pub tags: BTreeSet<Tag>,
    /// How the person wants to be treated.
    pub preferences: Preferences,
}

impl Person {
    /// The stage of life.
    #[must_use]
    pub fn stage(&self) -> LifecycleStage {
        self.lifecycle.stage()
    }

    /// Takes `event` in. Before a person is known, only their becoming known leads anywhere.
    pub(super) fn take(&mut self, event: &PersonEvent) {
        let unknown = self.stage() == LifecycleStage::Unknown;
        if unknown != matches!(event, PersonEvent::PersonCreated(_)) {
            return;
        }
        self.lifecycle.advance(event);
        self.contacts.take(event);
        self.skills.take(event);
        self.profile(event);
    }

    fn profile(&mut self, event: &PersonEvent) {
        use PersonEvent as E;
        match event {
            E::PersonCreated(created) => {
                self.names.insert(NameUse::Official, created.name.clone());
                self.origin = Some(created.clone());
            }
            E::NameChanged(changed) => {
                self.names.insert(changed.usage, changed.name.clone());
            }
            E::BirthDateSet(set) => self.birth_date = Some(set.date),
            E::BirthDateCorrected(corrected) => self.birth_date = Some(corrected.date),
            E::DeathRecorded(recorded) => self.death_date = Some(recorded.date),
            E::DeathRetracted(_) => self.death_date = None,
            E::ComponentAdded(added) => {
                self.components.insert(added.component_id.clone(), added.component.clone());
            }
            E::ComponentUpdated(updated) => {
                self.components.insert(updated.component_id.clone(), updated.component.clone());
            }
            E::ComponentRemoved(removed) => {
                self.components.remove(&removed.component_id);
            }
            E::Tagged(tagged) => {
                self.tags.insert(tagged.tag.clone());
            }
            E::Untagged(untagged) => {
                self.tags.remove(&untagged.tag);
            }
            E::PreferencesChanged(changed) => self.preferences = changed.preferences.clone(),
            // Those of the lifecycle, of contacts and of skills.
            _ => {}
        }
    }
}
