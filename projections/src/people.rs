//! Everything that is known about one person, to be read by id.
//! Not here: searching; the directory is for that.

mod contact;
mod skill;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{EventEnvelope, View};
use domain::person::{
    Component, ExternalId, NameUse, Person, PersonCreated, PersonEvent, PersonName, Preferences,
    Source, Tag,
};
use kit::{Key, PartId, Projection, Recorded};
use serde::{Deserialize, Serialize};

pub use contact::{Challenge, ContactStatus, ContactView};
pub use skill::{Certificate, SkillView};

use crate::{lifecycle::Lifecycle, lifecycle::Stage, seen::Seen};

/// One document per person, under the person's id.
#[derive(Debug, Clone, Copy)]
pub struct People;

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PersonView {
    /// The person's id.
    pub id: String,
    /// How many events this is made of.
    pub version: u64,
    /// When the person became known.
    pub created_at: Option<DateTime<Utc>>,
    /// When anything last happened.
    pub updated_at: Option<DateTime<Utc>>,
    /// Where the person stands in life.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The official name as text.
    pub name: String,
    /// The names in parts, by use.
    pub names: BTreeMap<NameUse, PersonName>,
    /// Where the person comes from.
    pub source: Option<Source>,
    /// What other systems call the person.
    pub external_ids: Vec<ExternalId>,
    /// When the person was born.
    pub birth_date: Option<NaiveDate>,
    /// When the person died.
    pub death_date: Option<NaiveDate>,
    /// The ways to reach the person, by id.
    pub contacts: BTreeMap<PartId, ContactView>,
    /// Where to reach the person first.
    pub preferred_contact: Option<PartId>,
    /// What the person can do, by id.
    pub skills: BTreeMap<PartId, SkillView>,
    /// Other facts, by id.
    pub components: BTreeMap<PartId, Component>,
    /// The tags.
    pub tags: BTreeSet<Tag>,
    /// How the person wants to be treated.
    pub preferences: Preferences,
}

impl Projection for People {
    const NAME: &'static str = "people";
    const VERSION: u32 = 1;
    type When = PersonEvent;
    type Document = PersonView;

    fn key(event: &Recorded<PersonEvent>) -> Option<Key> {
        Some(event.aggregate_id.to_string())
    }

    fn fold(document: &mut PersonView, event: &Recorded<PersonEvent>) {
        document.take(&event.into());
    }
}

impl View<Person> for PersonView {
    fn update(&mut self, event: &EventEnvelope<Person>) {
        self.take(&event.into());
    }
}

impl PersonView {
    fn take(&mut self, seen: &Seen<'_, PersonEvent>) {
        use PersonEvent as E;
        self.version = seen.version;
        self.updated_at = seen.time.or(self.updated_at);
        match seen.event {
            E::PersonCreated(e) => self.created(&seen.with(e)),
            E::NameChanged(e) => self.named(e.usage, &e.name),
            E::BirthDateSet(e) => self.birth_date = Some(e.date),
            E::BirthDateCorrected(e) => self.birth_date = Some(e.date),
            E::ContactAdded(e) => _ = self.contacts.insert(e.contact_id.clone(), e.into()),
            E::ContactVerificationRequested(e) => {
                self.contact(&e.contact_id, |contact| contact.challenged(e.into()));
            }
            E::ContactVerified(e) => self.contact(&e.contact_id, ContactView::verified),
            E::ContactVerificationFailed(e) => {
                self.contact(&e.contact_id, |contact| contact.failed(e.attempts_left));
            }
            E::ContactVerificationExhausted(e) => {
                self.contact(&e.contact_id, ContactView::unverified);
            }
            E::ContactVerificationExpired(e) => {
                self.contact(&e.contact_id, ContactView::unverified);
            }
            E::ContactUndeliverable(e) => {
                self.contact(&e.contact_id, ContactView::undeliverable);
                self.prefer_no_longer(&e.contact_id);
            }
            E::ContactReleased(e) => {
                self.contact(&e.contact_id, |contact| contact.released(e.reason));
                self.prefer_no_longer(&e.contact_id);
            }
            E::PreferredContactChanged(e) => self.preferred_contact = Some(e.contact_id.clone()),
            E::ContactRemoved(e) => {
                self.contacts.remove(&e.contact_id);
                self.prefer_no_longer(&e.contact_id);
            }
            E::SkillClaimed(e) => _ = self.skills.insert(e.skill_id.clone(), e.into()),
            E::SkillAdjusted(e) => self.skill(&e.skill_id, |skill| skill.level = e.level),
            E::SkillEndorsed(e) => self.skill(&e.skill_id, |skill| skill.endorsed(&e.endorser)),
            E::SkillCertified(e) => {
                self.skill(&e.skill_id, |skill| skill.certificate = Some(e.into()));
            }
            E::CertificationExpired(e) => {
                self.skill(&e.skill_id, |skill| skill.certificate = None);
            }
            E::SkillRemoved(e) => _ = self.skills.remove(&e.skill_id),
            E::ComponentAdded(e) => self.component(&e.component_id, &e.component),
            E::ComponentUpdated(e) => self.component(&e.component_id, &e.component),
            E::ComponentRemoved(e) => _ = self.components.remove(&e.component_id),
            E::Tagged(e) => _ = self.tags.insert(e.tag.clone()),
            E::Untagged(e) => _ = self.tags.remove(&e.tag),
            E::PreferencesChanged(e) => self.preferences = e.preferences.clone(),
            E::PersonActivated(_) => self.lifecycle.activate(),
            E::PersonSuspended(_) => self.lifecycle.interrupt(Stage::Suspended),
            E::DeathRecorded(e) => {
                self.death_date = Some(e.date);
                self.lifecycle.interrupt(Stage::Deceased);
            }
            E::DeathRetracted(_) => {
                self.death_date = None;
                self.lifecycle.resume();
            }
            E::PersonArchived(_) => self.lifecycle.interrupt(Stage::Archived),
            E::PersonReactivated(_) | E::PersonRestored(_) => self.lifecycle.resume(),
        }
    }

    fn created(&mut self, seen: &Seen<'_, PersonCreated>) {
        let created = seen.event;
        seen.id.clone_into(&mut self.id);
        self.created_at = seen.time;
        self.source = Some(created.source.clone());
        self.external_ids.clone_from(&created.external_ids);
        self.lifecycle.begin();
        self.named(NameUse::Official, &created.name);
    }

    fn named(&mut self, usage: NameUse, name: &PersonName) {
        if usage == NameUse::Official {
            self.name = name.to_string();
        }
        self.names.insert(usage, name.clone());
    }

    fn contact(&mut self, id: &PartId, change: impl FnOnce(&mut ContactView)) {
        if let Some(contact) = self.contacts.get_mut(id) {
            change(contact);
        }
    }

    fn prefer_no_longer(&mut self, id: &PartId) {
        self.preferred_contact.take_if(|preferred| preferred == id);
    }

    fn skill(&mut self, id: &PartId, change: impl FnOnce(&mut SkillView)) {
        if let Some(skill) = self.skills.get_mut(id) {
            change(skill);
        }
    }

    fn component(&mut self, id: &PartId, component: &Component) {
        self.components.insert(id.clone(), component.clone());
    }
}
