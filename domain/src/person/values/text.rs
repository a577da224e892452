//! Short texts: trimmed, never blank, bounded, on one line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why an input is not the value it should be. Never holds the input: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);

/// A text on one line: trimmed, not blank, at most `CHARS_MAX` characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const CHARS_MAX: usize>(String);

/// Why something is done; for people, kept for ever.
pub type Reason = Text<500>;
/// A name of a thing, or one field of a form.
pub type Label = Text<200>;

impl<const CHARS_MAX: usize> Text<CHARS_MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a text out of anything: cuts, and drops what may not be in it. `None` if nothing is left.
    pub(crate) fn salvaged(text: &str) -> Option<Self> {
        let kept: String =
            text.trim().chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
        kept.parse().ok()
    }
}

impl<const CHARS_MAX: usize> FromStr for Text<CHARS_MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid("a text must not be blank".to_owned()));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid("a text must not hold control characters".to_owned()));
        }
        if text.chars().count() > CHARS_MAX {
            return Err(Invalid(format!("a text of at most {CHARS_MAX} characters")));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const CHARS_MAX: usize> TryFrom<String> for Text<CHARS_MAX> {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl<const CHARS_MAX: usize> From<Text<CHARS_MAX>> for String {
    fn from(text: Text<CHARS_MAX>) -> Self {
        text.0
    }
}

impl<const CHARS_MAX: usize> fmt::Display for Text<CHARS_MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    fn a_text_is_trimmed_bounded_and_never_blank() {
        assert_eq!(" a b ".parse::<Text<3>>().unwrap().as_str(), "a b");
        for bad in ["", "  ", "abcd", "a\nb"] {
            assert!(bad.parse::<Text<3>>().is_err(), "{bad:?}");
        }
    }

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
