//! Shapes that are no longer written and can always be read.
//! Not here: the current shapes; each old one only knows the way to its successor.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{NameChanged, NameUse, PersonCreated, PersonName, Source};

kit::past! { PersonCreatedV1: 1, NameChangedV1: 1 }

/// The first shape carried its own time and a name of exactly two words.
///
/// The time is not taken over: the envelope says when the event came to be, and whoever imports such records from
/// elsewhere writes `created_at` there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonCreatedV1 {
    /// The name.
    pub name: TwoPartName,
    /// Where the person came from.
    pub source: String,
    /// When; today the envelope says it.
    pub created_at: DateTime<Utc>,
}

/// A name of exactly two words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoPartName {
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
}

impl From<PersonCreatedV1> for PersonCreated {
    fn from(old: PersonCreatedV1) -> Self {
        let source = Source::salvaged(&old.source);
        Self {
            name: PersonName::salvaged(&old.name.first_name, &old.name.last_name),
            onboarding: !source.is_trusted(),
            source,
            external_ids: Vec::new(),
        }
    }
}

/// The first shape knew one name per person, of exactly two words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameChangedV1 {
    /// The given name.
    pub given: String,
    /// The family name.
    pub family: String,
}

impl From<NameChangedV1> for NameChanged {
    fn from(old: NameChangedV1) -> Self {
        Self {
            usage: NameUse::Official,
            name: PersonName::salvaged(&old.given, &old.family),
            reason: None,
            effective: None,
        }
    }
}
