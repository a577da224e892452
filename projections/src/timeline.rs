//! What has happened to a person, when, and who asked for it.
//!
//! One document per event, under the event's id, so that a repeated event changes nothing.
//! Not here: what the events hold. A timeline is shown to people who may not see everything.

use chrono::{DateTime, Utc};
use domain::person::PersonEvent;
use kit::{Event, Field, Key, PartId, Projection, Recorded, Term};
use serde::{Deserialize, Serialize};

/// One document per event of a person, found by the person, in the order of the events.
#[derive(Debug, Clone, Copy)]
pub struct Timeline;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// The person's id.
    pub person: String,
    /// The person's own count of events.
    pub version: u64,
    /// What happened: the event's type.
    pub what: String,
    /// Which part of the person it happened to, such as a contact or a skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartId>,
    /// When.
    pub when: Option<DateTime<Utc>>,
    /// The user who asked for it, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The command that led to it.
    pub command: String,
    /// The conversation that it belongs to.
    pub conversation: String,
    /// The event or request that the command came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because_of: Option<String>,
}

impl Projection for Timeline {
    const NAME: &'static str = "timeline";
    const VERSION: u32 = 1;
    const FIELDS: &'static [Field] = &[Field::exact("person"), Field::exact("what")];
    type When = PersonEvent;
    type Document = TimelineEntry;

    fn key(event: &Recorded<PersonEvent>) -> Option<Key> {
        Some(event.id.to_string())
    }

    fn fold(document: &mut TimelineEntry, event: &Recorded<PersonEvent>) {
        *document = TimelineEntry {
            person: event.aggregate_id.to_string(),
            version: event.version.0,
            what: event.event.kind().name.to_owned(),
            part: part(&event.event).cloned(),
            when: Some(event.time),
            who: event.metadata.user_id.clone(),
            command: event.metadata.command_id.to_string(),
            conversation: event.metadata.correlation_id.clone(),
            because_of: event.metadata.causation_id.clone(),
        };
    }

    fn terms(document: &TimelineEntry) -> Vec<Term> {
        vec![
            Term { field: "person", value: document.person.clone() },
            Term { field: "what", value: document.what.clone() },
        ]
    }

    fn order(document: &TimelineEntry) -> String {
        // As wide as the largest number, so that text stands in the order of numbers.
        format!("{} {:020}", document.person, document.version)
    }

    fn normalise(_field: &str, value: &str) -> String {
        // Ids tell upper from lower case.
        value.trim().to_owned()
    }
}

fn part(event: &PersonEvent) -> Option<&PartId> {
    use PersonEvent as E;
    Some(match event {
        E::ContactAdded(e) => &e.contact_id,
        E::ContactVerificationRequested(e) => &e.contact_id,
        E::ContactVerified(e) => &e.contact_id,
        E::ContactVerificationFailed(e) => &e.contact_id,
        E::ContactVerificationExhausted(e) => &e.contact_id,
        E::ContactVerificationExpired(e) => &e.contact_id,
        E::ContactUndeliverable(e) => &e.contact_id,
        E::ContactReleased(e) => &e.contact_id,
        E::PreferredContactChanged(e) => &e.contact_id,
        E::ContactRemoved(e) => &e.contact_id,
        E::SkillClaimed(e) => &e.skill_id,
        E::SkillAdjusted(e) => &e.skill_id,
        E::SkillEndorsed(e) => &e.skill_id,
        E::SkillCertified(e) => &e.skill_id,
        E::CertificationExpired(e) => &e.skill_id,
        E::SkillRemoved(e) => &e.skill_id,
        E::ComponentAdded(e) => &e.component_id,
        E::ComponentUpdated(e) => &e.component_id,
        E::ComponentRemoved(e) => &e.component_id,
        E::PersonCreated(_)
        | E::NameChanged(_)
        | E::BirthDateSet(_)
        | E::BirthDateCorrected(_)
        | E::Tagged(_)
        | E::Untagged(_)
        | E::PreferencesChanged(_)
        | E::PersonActivated(_)
        | E::PersonSuspended(_)
        | E::PersonReactivated(_)
        | E::DeathRecorded(_)
        | E::DeathRetracted(_)
        | E::PersonArchived(_)
        | E::PersonRestored(_) => return None,
    })
}
