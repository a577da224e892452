//! Components: facts about a person that need no rules of their own, each with a typed form.
//! Not here: e-mail, telephone, skills, tags, preferences and employment; they have commands or
//! machines of their own.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kit::AggregateId;
use serde::{Deserialize, Serialize};

use super::{Invalid, Label, Text};

/// One component: its type and the form that goes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "component_type", content = "data", rename_all = "snake_case")]
pub enum Component {
    /// A postal address.
    Address(Address),
    /// Anything else, in plain strings.
    CustomAttribute(CustomAttribute),
    /// A group of customers.
    CustomerSegment(CustomerSegment),
    /// A school, course or degree.
    Education(Education),
    /// A place where the person is.
    Location(Location),
    /// A handle in a messenger.
    MessagingApp(MessagingApp),
    /// A membership.
    ProfessionalAffiliation(ProfessionalAffiliation),
    /// Work that the person took part in.
    Project(Project),
    /// Another person and what they are to this one.
    Relationship(Relationship),
    /// A profile in a social network.
    SocialProfile(SocialProfile),
    /// A page of the person's own.
    Website(Website),
}

impl Component {
    /// The type on the wire.
    #[must_use]
    pub const fn component_type(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::CustomAttribute(_) => "custom_attribute",
            Self::CustomerSegment(_) => "customer_segment",
            Self::Education(_) => "education",
            Self::Location(_) => "location",
            Self::MessagingApp(_) => "messaging_app",
            Self::ProfessionalAffiliation(_) => "professional_affiliation",
            Self::Project(_) => "project",
            Self::Relationship(_) => "relationship",
            Self::SocialProfile(_) => "social_profile",
            Self::Website(_) => "website",
        }
    }
}

macro_rules! form {
    ($(#[$doc:meta])* $Name:ident {
        $($(#[$must_doc:meta])* $must:ident: $Must:ty,)*
        $(; $($(#[$may_doc:meta])* $may:ident: $May:ty,)*)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $($(#[$must_doc])* pub $must: $Must,)*
            $($($(#[$may_doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $may: Option<$May>,)*)?
        }
    };
}

form! {
    /// A postal address.
    Address {
        /// Town or village.
        locality: Label,
        /// Two letters, ISO 3166-1.
        country: Country,
        ;
        /// Street, number, and what else stands above the town.
        street: Label,
        /// State, canton or province.
        region: Label,
        /// Postal code.
        postal_code: Text<20>,
    }
}

form! {
    /// A group of customers.
    CustomerSegment {
        /// Its name.
        segment: Label,
        ;
        /// Since when.
        since: NaiveDate,
    }
}

form! {
    /// A school, course or degree.
    Education {
        /// Where.
        institution: Label,
        ;
        /// What it led to.
        degree: Label,
        /// The subject.
        field: Label,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// A place where the person is.
    Location {
        /// The place in words.
        place: Label,
        ;
        /// Since when.
        since: NaiveDate,
    }
}

form! {
    /// A handle in a messenger.
    MessagingApp {
        /// The messenger.
        service: Label,
        /// The person's name there.
        handle: Label,
    }
}

form! {
    /// A membership.
    ProfessionalAffiliation {
        /// In what.
        organisation: Label,
        ;
        /// As what.
        role: Label,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// Work that the person took part in.
    Project {
        /// What it is called.
        name: Label,
        ;
        /// The person's part in it.
        role: Label,
        /// Where to read about it.
        url: WebAddress,
        /// First day.
        start: NaiveDate,
        /// Last day.
        end: NaiveDate,
    }
}

form! {
    /// Another person and what they are to this one.
    Relationship {
        /// What they are, such as `sister`.
        kind: Label,
        /// The other person's id.
        person: AggregateId,
    }
}

form! {
    /// A profile in a social network.
    SocialProfile {
        /// The network.
        platform: Label,
        /// The person's name there.
        handle: Label,
        ;
        /// Where it is.
        url: WebAddress,
    }
}

form! {
    /// A page of the person's own.
    Website {
        /// Where it is.
        url: WebAddress,
        ;
        /// What to call it.
        label: Label,
    }
}

macro_rules! shaped {
    ($(#[$doc:meta])* $Name:ident, $shape:expr, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl TryFrom<String> for $Name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                let shape: fn(&str) -> bool = $shape;
                if shape(&text) { Ok(Self(text)) } else { Err(Invalid($message.to_owned())) }
            }
        }

        impl From<$Name> for String {
            fn from(value: $Name) -> Self {
                value.0
            }
        }
    };
}

shaped! {
    /// Two capital letters, the shape of ISO 3166-1 alpha-2.
    Country,
    |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "a country is two capital letters, such as CH"
}

shaped! {
    /// An address in the web, at most 2,000 bytes.
    WebAddress,
    |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        text.len() <= 2_000
            && text.bytes().all(|b| b.is_ascii_graphic())
            && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
    },
    "a web address begins with https:// or http:// and has no spaces"
}

/// Most fields of a custom attribute beside its type.
const CUSTOM_FIELDS_MAX: usize = 20;

/// Anything else: a type and some strings, such as the note that a welcome mail is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Text<1000>>", into = "BTreeMap<String, Text<1000>>")]
pub struct CustomAttribute {
    kind: Text<1000>,
    fields: BTreeMap<String, Text<1000>>,
}

impl CustomAttribute {
    /// What kind of attribute it is: the field `type`.
    #[must_use]
    pub const fn kind(&self) -> &Text<1000> {
        &self.kind
    }

    /// The other fields by name.
    #[must_use]
    pub const fn fields(&self) -> &BTreeMap<String, Text<1000>> {
        &self.fields
    }
}

impl TryFrom<BTreeMap<String, Text<1000>>> for CustomAttribute {
    type Error = Invalid;

    fn try_from(mut fields: BTreeMap<String, Text<1000>>) -> Result<Self, Invalid> {
        let kind = fields
            .remove("type")
            .ok_or_else(|| Invalid("a custom attribute has a field `type`".to_owned()))?;
        if fields.len() > CUSTOM_FIELDS_MAX || fields.keys().any(|key| key.len() > 100) {
            return Err(Invalid(format!("at most {CUSTOM_FIELDS_MAX} fields with short names")));
        }
        Ok(Self { kind, fields })
    }
}

impl From<CustomAttribute> for BTreeMap<String, Text<1000>> {
    fn from(attribute: CustomAttribute) -> Self {
        let mut fields = attribute.fields;
        fields.insert("type".to_owned(), attribute.kind);
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Component, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn the_welcome_mail_note_of_the_seed_is_a_custom_attribute() {
        let json = r#"{"component_type":"custom_attribute","data":{"template":"welcome_new_user","to":"John Doe","type":"welcome_email"}}"#;
        let component = read(json).unwrap();
        assert_eq!(component.component_type(), "custom_attribute");
        assert_eq!(serde_json::to_string(&component).unwrap(), json);
    }

    #[test]
    fn a_form_refuses_what_is_not_in_it() {
        for bad in [
            r#"{"component_type":"custom_attribute","data":{"to":"John"}}"#,
            r#"{"component_type":"custom_attribute","data":{"type":"x","n":1}}"#,
            r#"{"component_type":"website","data":{"url":"javascript:alert(1)"}}"#,
            r#"{"component_type":"website","data":{"url":"https:// x"}}"#,
            r#"{"component_type":"website","data":{"url":"https://example.org","x":1}}"#,
            r#"{"component_type":"address","data":{"locality":"Bern","country":"Switzerland"}}"#,
            r#"{"component_type":"email_address","data":{"value":"ada@example.org"}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
