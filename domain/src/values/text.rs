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
    #[must_use]
    pub fn salvaged(text: &str) -> Option<Self> {
        let kept: String =
            text.trim().chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
        kept.parse().ok()
    }

    /// As [`Self::salvaged`], and a dash if nothing is left.
    #[must_use]
    pub fn forced(text: &str) -> Self {
        Self::salvaged(text).unwrap_or_else(|| Self("-".to_owned()))
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
}
