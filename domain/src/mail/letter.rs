//! What a mail says and to whom, by reference: no address, no name, no code.
//! Not here: how it is worded.

use chrono::{DateTime, Utc};
use kit::{AggregateId, PartId};
use serde::{Deserialize, Serialize};
use strum::EnumDiscriminants;

use crate::values::Invalid;

/// Everything that is needed to render a mail and to find out where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(try_from = "Loose", tag = "template", rename_all = "kebab-case")]
#[strum_discriminants(
    name(Template),
    derive(Serialize, Deserialize),
    serde(rename_all = "kebab-case"),
    doc = "What a mail says."
)]
pub enum Letter {
    /// The code that proves that the address is the person's.
    VerifyContact {
        /// The person.
        person: AggregateId,
        /// The contact of that person.
        contact: PartId,
        /// The challenge whose code it carries.
        challenge: PartId,
        /// When the code stops working.
        expires_at: DateTime<Utc>,
    },
    /// Welcome.
    Welcome {
        /// The person.
        person: AggregateId,
        /// The contact of that person.
        contact: PartId,
    },
    /// The design is done.
    DesignCompleted {
        /// The request; it goes to whoever submitted it.
        design: AggregateId,
    },
}

impl Letter {
    /// What it says.
    #[must_use]
    pub fn template(&self) -> Template {
        self.into()
    }

    /// When what it says is no longer true, if ever.
    #[must_use]
    pub const fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::VerifyContact { expires_at, .. } => Some(*expires_at),
            Self::Welcome { .. } | Self::DesignCompleted { .. } => None,
        }
    }
}

/// A letter as it stands on the wire. What its template has no use for is left out: the first shape of
/// the event took it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Letter")]
struct Loose {
    template: Template,
    #[serde(default)]
    person: Option<AggregateId>,
    #[serde(default)]
    contact: Option<PartId>,
    #[serde(default)]
    challenge: Option<PartId>,
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
    #[serde(default)]
    design: Option<AggregateId>,
}

impl TryFrom<Loose> for Letter {
    type Error = Invalid;

    fn try_from(loose: Loose) -> Result<Self, Invalid> {
        let Loose { template, person, contact, challenge, expires_at, design } = loose;
        let wanted = match (template, person.zip(contact), challenge.zip(expires_at), design) {
            (
                Template::VerifyContact,
                Some((person, contact)),
                Some((challenge, expires_at)),
                _,
            ) => {
                return Ok(Self::VerifyContact { person, contact, challenge, expires_at });
            }
            (Template::Welcome, Some((person, contact)), ..) => {
                return Ok(Self::Welcome { person, contact });
            }
            (Template::DesignCompleted, .., Some(design)) => {
                return Ok(Self::DesignCompleted { design });
            }
            (Template::VerifyContact, ..) => {
                "a verify-contact mail needs a person, a contact, a challenge and expires_at"
            }
            (Template::Welcome, ..) => "a welcome needs a person and a contact",
            (Template::DesignCompleted, ..) => "a design-completed mail needs a design",
        };
        Err(Invalid(wanted.to_owned()))
    }
}
