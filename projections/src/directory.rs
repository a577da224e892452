//! Who there is: people to be found by a part of a name, an e-mail, a tag or the stage of life.
//! Not here: everything else about a person; `people` has that under the same key.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::{EventEnvelope, View};
use domain::person::{ContactPoint, NameUse, Person, PersonEvent, PersonName, Tag};
use kit::{Field, Key, PartId, Projection, Recorded, Term};
use serde::{Deserialize, Serialize};

use crate::{lifecycle::Lifecycle, lifecycle::Stage, seen::Seen};

/// Most former names under which a person is found; the latest ones stay.
const FORMER_NAMES_MAX: usize = 20;
/// Most characters of a name that count in a search.
const TERM_CHARS_MAX: usize = 100;

/// One document per person, under the person's id, in the order of family names.
///
/// A name is found by the beginning of any part of it, former names included: `ada l`, `lovel`.
#[derive(Debug, Clone, Copy)]
pub struct Directory;

/// A line in the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The person's id.
    pub id: String,
    /// The official name.
    pub name: String,
    /// Where the person stands in life.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The current names by use.
    pub names: BTreeMap<NameUse, String>,
    /// Names the person had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<String>,
    /// The e-mail addresses by contact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub emails: BTreeMap<PartId, String>,
    /// The tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<Tag>,
    /// Family names first, then the others, in lower case: the place in lists.
    pub sort_by: String,
}

impl Projection for Directory {
    const NAME: &'static str = "directory";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] =
        &[Field::prefix("name"), Field::exact("email"), Field::exact("tag"), LIFECYCLE];
    type When = PersonEvent;
    type Document = DirectoryEntry;

    fn key(event: &Recorded<PersonEvent>) -> Option<Key> {
        Some(event.aggregate_id.to_string())
    }

    fn fold(document: &mut DirectoryEntry, event: &Recorded<PersonEvent>) {
        document.take(&event.into());
    }

    fn terms(document: &DirectoryEntry) -> Vec<Term> {
        let term =
            |field: &'static str, value: &str| Term { field, value: Self::normalise(field, value) };
        let names = document.names.values().chain(&document.former_names);
        let parts = names.flat_map(|name| endings(name)).map(|part| term("name", part));
        let emails = document.emails.values().map(|email| term("email", email));
        let tags = document.tags.iter().map(|tag| term("tag", tag.as_str()));
        let stage = term(LIFECYCLE.name, document.lifecycle.lifecycle.as_str());
        parts.chain(emails).chain(tags).chain([stage]).collect()
    }

    fn order(document: &DirectoryEntry) -> String {
        document.sort_by.clone()
    }

    fn normalise(field: &str, value: &str) -> String {
        let words: Vec<_> = value.split_whitespace().collect();
        let lower = words.join(" ").to_lowercase();
        if field == "name" { lower.chars().take(TERM_CHARS_MAX).collect() } else { lower }
    }
}

const LIFECYCLE: Field = Field::exact("lifecycle");

/// `name` from each of its words to its end, so that a prefix finds any of them.
fn endings(name: &str) -> impl Iterator<Item = &str> {
    let begins = |at: &usize| *at == 0 || name[..*at].ends_with(char::is_whitespace);
    name.char_indices().map(|(at, _)| at).filter(begins).map(|at| &name[at..])
}

impl View<Person> for DirectoryEntry {
    fn update(&mut self, event: &EventEnvelope<Person>) {
        self.take(&event.into());
    }
}

impl DirectoryEntry {
    fn take(&mut self, seen: &Seen<'_, PersonEvent>) {
        use PersonEvent as E;
        match seen.event {
            E::PersonCreated(e) => {
                seen.id.clone_into(&mut self.id);
                self.lifecycle.begin();
                self.named(NameUse::Official, &e.name);
            }
            E::NameChanged(e) => self.named(e.usage, &e.name),
            E::ContactAdded(e) => {
                if let ContactPoint::Email(email) = &e.point {
                    self.emails.insert(e.contact_id.clone(), email.as_str().to_owned());
                }
            }
            E::ContactRemoved(e) => _ = self.emails.remove(&e.contact_id),
            E::Tagged(e) => _ = self.tags.insert(e.tag.clone()),
            E::Untagged(e) => _ = self.tags.remove(&e.tag),
            E::PersonActivated(_) => self.lifecycle.activate(),
            E::PersonSuspended(_) => self.lifecycle.interrupt(Stage::Suspended),
            E::DeathRecorded(_) => self.lifecycle.interrupt(Stage::Deceased),
            E::PersonArchived(_) => self.lifecycle.interrupt(Stage::Archived),
            E::PersonReactivated(_) | E::DeathRetracted(_) | E::PersonRestored(_) => {
                self.lifecycle.resume();
            }
            // What does not change who is found, and how.
            E::BirthDateSet(_)
            | E::BirthDateCorrected(_)
            | E::ContactVerificationRequested(_)
            | E::ContactVerified(_)
            | E::ContactVerificationFailed(_)
            | E::ContactVerificationExhausted(_)
            | E::ContactVerificationExpired(_)
            | E::ContactUndeliverable(_)
            | E::ContactReleased(_)
            | E::PreferredContactChanged(_)
            | E::SkillClaimed(_)
            | E::SkillAdjusted(_)
            | E::SkillEndorsed(_)
            | E::SkillCertified(_)
            | E::CertificationExpired(_)
            | E::SkillRemoved(_)
            | E::ComponentAdded(_)
            | E::ComponentUpdated(_)
            | E::ComponentRemoved(_)
            | E::PreferencesChanged(_) => {}
        }
    }

    fn named(&mut self, usage: NameUse, name: &PersonName) {
        let text = name.to_string();
        if usage == NameUse::Official {
            self.sort_by = sort_by(name);
            self.name.clone_from(&text);
        }
        self.former_names.retain(|former| *former != text);
        if let Some(former) = self.names.insert(usage, text)
            && !self.names.values().any(|current| *current == former)
        {
            self.former_names.push(former);
        }
        let surplus = self.former_names.len().saturating_sub(FORMER_NAMES_MAX);
        self.former_names.drain(..surplus);
    }
}

/// The place of a name in lists: family names first, then the others, in lower case.
pub(crate) fn sort_by(name: &PersonName) -> String {
    let parts: Vec<_> =
        name.family().iter().chain(name.given()).map(|part| part.as_str()).collect();
    parts.join(" ").to_lowercase()
}
