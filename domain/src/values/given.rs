//! What callers give to be kept as it is: longer texts and JSON.
//! Not here: what it means; nothing in the service asks.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::Invalid;

/// Deepest nesting of JSON that is kept: far more than people write, far less than a stack bears.
const DEPTH_MAX: usize = 32;
/// A fraction settles the first time it is read again; more rounds are for bad luck.
const ROUNDS_MAX: usize = 4;

/// A text of any number of lines, at most `CHARS_MAX` characters, as it was given. It may be blank:
/// that is how something is crossed out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prose<const CHARS_MAX: usize>(String);

impl<const CHARS_MAX: usize> Prose<CHARS_MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const CHARS_MAX: usize> FromStr for Prose<CHARS_MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.to_owned().try_into()
    }
}

impl<const CHARS_MAX: usize> TryFrom<String> for Prose<CHARS_MAX> {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Invalid("a text must not hold control characters".to_owned()));
        }
        if text.chars().count() > CHARS_MAX {
            return Err(Invalid(format!("a text of at most {CHARS_MAX} characters")));
        }
        Ok(Self(text))
    }
}

impl<const CHARS_MAX: usize> From<Prose<CHARS_MAX>> for String {
    fn from(text: Prose<CHARS_MAX>) -> Self {
        text.0
    }
}

impl<const CHARS_MAX: usize> fmt::Display for Prose<CHARS_MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any JSON of at most `BYTES_MAX` bytes as it is written without spaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct GivenJson<const BYTES_MAX: usize>(Value);

impl<const BYTES_MAX: usize> GivenJson<BYTES_MAX> {
    /// The JSON.
    #[must_use]
    pub const fn as_value(&self) -> &Value {
        &self.0
    }
}

impl<const BYTES_MAX: usize> TryFrom<Value> for GivenJson<BYTES_MAX> {
    type Error = Invalid;

    fn try_from(value: Value) -> Result<Self, Invalid> {
        harmless(&value, DEPTH_MAX)?;
        fits(&value, BYTES_MAX)?;
        settled(value).map(Self)
    }
}

impl<const BYTES_MAX: usize> From<GivenJson<BYTES_MAX>> for Value {
    fn from(given: GivenJson<BYTES_MAX>) -> Self {
        given.0
    }
}

/// An object that is kept as it came; its size is bounded by what it is a part of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct GivenObject(Map<String, Value>);

impl GivenObject {
    /// The object.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl TryFrom<Map<String, Value>> for GivenObject {
    type Error = Invalid;

    fn try_from(object: Map<String, Value>) -> Result<Self, Invalid> {
        object.iter().try_for_each(|(key, value)| {
            printable(key)?;
            harmless(value, DEPTH_MAX)
        })?;
        settled(object).map(Self)
    }
}

impl From<GivenObject> for Map<String, Value> {
    fn from(given: GivenObject) -> Self {
        given.0
    }
}

/// Whether `value` has at most `max` bytes as it is written.
pub(crate) fn fits(value: &impl Serialize, max: usize) -> Result<(), Invalid> {
    match serde_json::to_vec(value) {
        Ok(written) if written.len() <= max => Ok(()),
        _ => Err(Invalid(format!("JSON of at most {max} bytes"))),
    }
}

/// The JSON that is the same once it was written and read again: long fractions lose their last digit
/// on the way, and what a state remembers must be what its history tells.
fn settled<J: Serialize + DeserializeOwned + PartialEq>(mut json: J) -> Result<J, Invalid> {
    for _ in 0..ROUNDS_MAX {
        let again = serde_json::to_vec(&json).and_then(|written| serde_json::from_slice(&written));
        let again = again.map_err(|_| Invalid("JSON that can be written".to_owned()))?;
        if json == again {
            return Ok(json);
        }
        json = again;
    }
    Err(Invalid("numbers that JSON can hold".to_owned()))
}

/// Neither too deep nor anything that a database refuses later.
fn harmless(value: &Value, depth: usize) -> Result<(), Invalid> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Invalid(format!("JSON nested at most {DEPTH_MAX} deep")));
    };
    match value {
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().try_for_each(|item| harmless(item, depth)),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            printable(key)?;
            harmless(value, depth)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// PostgreSQL stores no text with a zero byte in it, neither in `text` nor in `jsonb`.
fn printable(text: &str) -> Result<(), Invalid> {
    if text.contains('\0') {
        return Err(Invalid("a text must not hold the character U+0000".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prose_is_kept_as_it_is_and_bounded() {
        for good in ["", " a\r\n\tb ", "\u{1F642}\u{1F642}\u{1F642}"] {
            assert_eq!(good.parse::<Prose<8>>().unwrap().as_str(), good);
        }
        for bad in ["a\0", "a\u{1b}[2J", "123456789"] {
            assert!(bad.parse::<Prose<8>>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn given_json_is_bounded_in_size_and_depth_and_holds_no_zero() {
        let deep = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(GivenJson::<100>::try_from(deep(DEPTH_MAX - 1)).is_ok());
        for bad in [deep(DEPTH_MAX), json!("x".repeat(99)), json!({"a": ["\0"]}), json!({"\0": 1})]
        {
            assert!(GivenJson::<100>::try_from(bad.clone()).is_err(), "{bad}");
        }
    }
}
