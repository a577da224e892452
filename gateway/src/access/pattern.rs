//! Patterns of names: tokens with dots between them, of which each may be `*`.
//! Not here: what the tokens stand for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest token: that of an id.
const TOKEN_BYTES_MAX: usize = 128;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no pattern: {parts} tokens out of A-Z a-z 0-9 _ = - with dots between them, or `*` \
     in the place of any"
)]
pub struct BadPattern {
    text: String,
    parts: usize,
}

/// A pattern of `N` tokens. `*` stands for any one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern<const N: usize>([Option<Box<str>>; N]);

/// `<aggregate>.<id>.<command>`
pub type CommandPattern = Pattern<3>;
/// `<projection>.<query>`
pub type QueryPattern = Pattern<2>;
/// `<aggregate>.<id>`
pub type HistoryPattern = Pattern<2>;

impl<const N: usize> Pattern<N> {
    /// Whether each of `tokens` is what the pattern says in its place.
    #[must_use]
    pub fn allows(&self, tokens: [&str; N]) -> bool {
        let fits = |(wanted, token): (&Option<Box<str>>, &str)| {
            wanted.as_deref().is_none_or(|wanted| wanted == token)
        };
        self.0.iter().zip(tokens).all(fits)
    }

    /// Whether it allows everything that has `tokens` in the places where there is one.
    #[must_use]
    pub fn allows_all(&self, tokens: [Option<&str>; N]) -> bool {
        let fits = |(wanted, token): (&Option<Box<str>>, Option<&str>)| {
            wanted.as_deref().is_none_or(|wanted| token == Some(wanted))
        };
        self.0.iter().zip(tokens).all(fits)
    }
}

impl<const N: usize> FromStr for Pattern<N> {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern { text: kit::excerpt(text).into_owned(), parts: N };
        let tokens: Vec<_> = text.split('.').collect();
        let tokens: [&str; N] = tokens.try_into().map_err(|_| bad())?;
        if !tokens.iter().all(|token| *token == "*" || is_token(token)) {
            return Err(bad());
        }
        Ok(Self(tokens.map(|token| (token != "*").then(|| token.into()))))
    }
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'-');
    (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

impl<const N: usize> TryFrom<String> for Pattern<N> {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        text.parse()
    }
}

impl<const N: usize> From<Pattern<N>> for String {
    fn from(pattern: Pattern<N>) -> Self {
        pattern.to_string()
    }
}

impl<const N: usize> fmt::Display for Pattern<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, token) in self.0.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            write!(f, "{dot}{}", token.as_deref().unwrap_or("*"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_token_and_a_word_for_itself() {
        let pattern: CommandPattern = "design.*.record-payment".parse().unwrap();
        assert!(pattern.allows(["design", "42", "record-payment"]));
        for other in [
            ["design", "42", "record-fees"],
            ["person", "42", "record-payment"],
            ["design", "42", "record-payments"],
            ["designs", "42", "record-payment"],
            ["Design", "42", "record-payment"],
        ] {
            assert!(!pattern.allows(other), "{other:?}");
        }
        let one: CommandPattern = "design.42.*".parse().unwrap();
        assert!(one.allows(["design", "42", "cancel-request"]));
        assert!(!one.allows(["design", "43", "cancel-request"]));
    }

    #[test]
    fn what_stands_for_all_ids_is_allowed_by_a_star_alone() {
        let all: HistoryPattern = "design.*".parse().unwrap();
        let one: HistoryPattern = "design.42".parse().unwrap();
        assert!(all.allows_all([Some("design"), None]));
        assert!(!one.allows_all([Some("design"), None]));
        assert!(one.allows_all([Some("design"), Some("42")]));
        assert!(!all.allows_all([None, None]));
        assert!("*.*".parse::<HistoryPattern>().unwrap().allows_all([None, None]));
    }

    #[test]
    fn a_pattern_is_written_as_it_was_read() {
        for text in ["*.*.*", "design.*.quote", "a.b.c"] {
            assert_eq!(text.parse::<CommandPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = format!("a.b.{}", "c".repeat(129));
        for text in
            ["", "*", "a.b", "a.b.c.d", "a..c", "a.b*.c", "a.>.c", "a.b.c\r\n", "ä.b.c", &long]
        {
            assert!(text.parse::<CommandPattern>().is_err(), "{text:?}");
        }
    }
}
