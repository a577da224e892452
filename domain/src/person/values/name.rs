//! What a person is called, and the ids that other systems have for them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Invalid, Label, Text};

/// One word or inseparable group of words of a name.
pub type NamePart = Text<100>;

/// Most given names, and most family names.
const PARTS_MAX: usize = 10;

/// A name in parts. At least one part; which ones exist differs between cultures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct PersonName {
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[serde(default)]
    given: Vec<NamePart>,
    #[serde(default)]
    family: Vec<NamePart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<NamePart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suffix: Option<NamePart>,
}

impl PersonName {
    /// A name out of given and family names.
    ///
    /// # Errors
    /// [`Invalid`] if there is no part, or more than ten of one kind.
    pub fn new(given: Vec<NamePart>, family: Vec<NamePart>) -> Result<Self, Invalid> {
        Parts { given, family, prefix: None, suffix: None }.try_into()
    }

    /// The given names, in order.
    #[must_use]
    pub fn given(&self) -> &[NamePart] {
        &self.parts.given
    }

    /// The family names, in order.
    #[must_use]
    pub fn family(&self) -> &[NamePart] {
        &self.parts.family
    }

    /// What stands before the name, such as `Dr.`
    #[must_use]
    pub const fn prefix(&self) -> Option<&NamePart> {
        self.parts.prefix.as_ref()
    }

    /// What stands after the name, such as `Jr.`
    #[must_use]
    pub const fn suffix(&self) -> Option<&NamePart> {
        self.parts.suffix.as_ref()
    }

    /// A name out of an old record's two strings, whatever they hold. Each string stays one part:
    /// nobody can tell whether `Mary Ann` was one name or two.
    pub(crate) fn salvaged(given: &str, family: &str) -> Self {
        let part = |text| NamePart::salvaged(text).into_iter().collect::<Vec<_>>();
        let (mut given, family) = (part(given), part(family));
        if given.is_empty() && family.is_empty() {
            given.extend(NamePart::salvaged("(unknown)"));
        }
        Self { parts: Parts { given, family, prefix: None, suffix: None } }
    }
}

impl TryFrom<Parts> for PersonName {
    type Error = Invalid;

    fn try_from(parts: Parts) -> Result<Self, Invalid> {
        if parts.given.is_empty() && parts.family.is_empty() {
            return Err(Invalid("a name has at least one given or family name".to_owned()));
        }
        if parts.given.len() > PARTS_MAX || parts.family.len() > PARTS_MAX {
            return Err(Invalid(format!("at most {PARTS_MAX} given and {PARTS_MAX} family names")));
        }
        Ok(Self { parts })
    }
}

impl From<PersonName> for Parts {
    fn from(name: PersonName) -> Self {
        name.parts
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { given, family, prefix, suffix } = &self.parts;
        let all = prefix.iter().chain(given).chain(family).chain(suffix);
        for (index, part) in all.enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{part}")?;
        }
        Ok(())
    }
}

/// What a name is for (the uses of a FHIR `HumanName` that a service needs).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameUse {
    /// In documents.
    #[default]
    Official,
    /// In conversation.
    Usual,
    /// Among friends.
    Nickname,
    /// Before marriage.
    Maiden,
    /// No longer used.
    Old,
}

/// The id of a person in another system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalId {
    /// The other system.
    pub system: Label,
    /// Its id for the person.
    pub value: Label,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<PersonName, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_name_reads_and_shows_its_parts_in_order() {
        let json = r#"{"given":["Ada","Maria"],"family":["Lovelace"],"prefix":"Dr."}"#;
        let name = read(json).unwrap();
        assert_eq!(name.to_string(), "Dr. Ada Maria Lovelace");
        assert_eq!(serde_json::to_string(&name).unwrap(), json);
        assert_eq!(read(r#"{"given":["Sukarno"]}"#).unwrap().to_string(), "Sukarno");
    }

    #[test]
    fn a_name_without_parts_or_with_foreign_ones_is_refused() {
        let many = format!(r#"{{"given":[{}]}}"#, [r#""x""#; 11].join(","));
        for bad in
            ["{}", r#"{"given":[],"family":[]}"#, r#"{"given":[" "]}"#, r#"{"first":"A"}"#, &many]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_old_name_becomes_a_name_that_reads_back() {
        for (given, family) in
            [("Ada", "Lovelace"), ("", ""), ("\u{0}", " "), (&"x".repeat(300), "")]
        {
            let name = PersonName::salvaged(given, family);
            assert_eq!(read(&serde_json::to_string(&name).unwrap()).unwrap(), name);
        }
    }
}
