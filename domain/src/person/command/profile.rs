//! What may be asked about a person's names, dates, tags and preferences.
//! Not here: whether it may be done.

use chrono::NaiveDate;

use crate::person::{ExternalId, NameUse, PersonName, Preferences, Reason, Source, Tag};

bodies! {
    /// Make a person known.
    CreatePerson {
        /// The official name.
        name: PersonName,
        /// Where the person comes from.
        source: Source,
        /// What other systems call the person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        external_ids: Vec<ExternalId>,
    }
    /// Change one of the person's names.
    ChangeName {
        /// Which of the names; the official one if absent.
        #[serde(rename = "use", default)]
        usage: NameUse,
        /// The name from now on.
        name: PersonName,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Since when; not in the future.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<NaiveDate>,
    }
    /// Say for the first time when the person was born.
    SetBirthDate {
        /// The date.
        date: NaiveDate,
    }
    /// Say that the birth date was wrong. Only for a named user.
    CorrectBirthDate {
        /// The right date.
        date: NaiveDate,
        /// Why it is right.
        reason: Reason,
    }
    /// Give the person a tag.
    AddTag {
        /// The tag.
        tag: Tag,
    }
    /// Take a tag away.
    RemoveTag {
        /// The tag.
        tag: Tag,
    }
}

/// Set all preferences; what is absent is no longer preferred.
pub type SetPreferences = Preferences;
