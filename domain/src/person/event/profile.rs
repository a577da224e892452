//! What has happened to a person's names, dates, tags and preferences, and how they became known.
//! Not here: what else changes with it; the state says so.

use chrono::NaiveDate;

use crate::person::{ExternalId, NameUse, PersonName, Preferences, Reason, Source, Tag};

payloads! {
    /// A person is known.
    PersonCreated {
        /// The official name.
        name: PersonName,
        /// Where the person comes from.
        source: Source,
        /// Whether the person is to be onboarded: so it is unless the source is trusted. A fact
        /// and not a rule of the reader, so that trusting another source changes no old person.
        onboarding: bool,
        /// What other systems call the person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        external_ids: Vec<ExternalId>,
    }
    /// One of the person's names is another now.
    NameChanged {
        /// Which of the names.
        #[serde(rename = "use")]
        usage: NameUse,
        /// The name from now on.
        name: PersonName,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Since when, if not since the event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<NaiveDate>,
    }
    /// The birth date is known.
    BirthDateSet {
        /// The date.
        date: NaiveDate,
    }
    /// The birth date was wrong.
    BirthDateCorrected {
        /// The right date.
        date: NaiveDate,
        /// Why it is right.
        reason: Reason,
    }
    /// The person has a tag.
    Tagged {
        /// The tag.
        tag: Tag,
    }
    /// The person has the tag no more.
    Untagged {
        /// The tag.
        tag: Tag,
    }
    /// The person wants to be treated like this.
    PreferencesChanged {
        /// All preferences; they replace the earlier ones.
        #[serde(flatten)]
        preferences: Preferences,
    }
}
