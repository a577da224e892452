//! Single words: tags, and where a person comes from.
//! Not here: texts of more than one word.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Invalid;

/// Most characters of a tag and of a source.
const WORD_CHARS_MAX: usize = 64;

fn word(text: &str, what: &str) -> Result<String, Invalid> {
    let text = text.trim().to_lowercase();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if text.is_empty() || text.chars().count() > WORD_CHARS_MAX || !text.chars().all(allowed) {
        return Err(Invalid(format!(
            "{what} is 1 to {WORD_CHARS_MAX} letters, digits or any of - _ . :"
        )));
    }
    Ok(text)
}

macro_rules! word {
    ($(#[$doc:meta])* $Name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl $Name {
            /// The word, in lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                word(text, $what).map(Self)
            }
        }

        impl TryFrom<String> for $Name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$Name> for String {
            fn from(word: $Name) -> Self {
                word.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word! {
    /// A tag in lower case, such as `vip`.
    Tag, "a tag"
}

word! {
    /// Where a person comes from, such as `api`, `import` or `hr`.
    Source, "a source"
}

impl Source {
    /// Whether persons from here were checked elsewhere: they need no onboarding and may be
    /// activated without a verified contact.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self.as_str(), "hr" | "import")
    }

    /// The source of a person about whom the old record says nothing usable.
    pub(crate) fn salvaged(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self("unknown".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_word_in_lower_case() {
        assert_eq!(" VIP ".parse::<Tag>().unwrap().as_str(), "vip");
        for bad in ["", "two words", "a/b", &"x".repeat(65)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_checked_sources_are_trusted() {
        let trusted = |text: &str| text.parse::<Source>().unwrap().is_trusted();
        assert!(trusted("hr") && trusted("Import") && !trusted("api"));
    }
}
