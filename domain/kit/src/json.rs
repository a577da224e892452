//! Reading JSON from outside, with refusals in the words of the wire: where, and what was expected.
//! Not here: what a body means.

mod objects;

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

use self::objects::Objects;
use crate::excerpt;

/// Why a text is not the JSON that was expected: for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct BadJson {
    words: String,
    column: usize,
}

impl BadJson {
    /// The column of the text, for logs: the words may come from a value's own rules and repeat it.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }
}

/// Reads `text` as a `T`, whose structs are objects and never arrays of their fields.
///
/// # Errors
/// [`BadJson`] with a JSON pointer (RFC 6901) to what is wrong. The search for it reads the text
/// again, so that only what fails pays for it.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = T::deserialize(Objects(&mut reader));
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| explain::<T>(text, &error))
}

/// Reads what was written here once as a `T`, with all that serde takes: it must be read for ever.
///
/// # Errors
/// Those of [`read`].
pub(crate) fn read_stored<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadJson> {
    serde_json::from_slice(text).map_err(|error| explain::<T>(text, &error))
}

/// Reads a value that is JSON already as a `T`: part of a body whose shape depends on another part.
///
/// # Errors
/// [`BadJson`] with a JSON pointer from `value` on.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, BadJson> {
    T::deserialize(Objects(value))
        .map_err(|error| explain::<T>(value.to_string().as_bytes(), &error))
}

impl From<serde_json::Error> for BadJson {
    fn from(error: serde_json::Error) -> Self {
        Self { words: in_words("", &error.to_string()), column: error.column() }
    }
}

#[cold]
fn explain<T: DeserializeOwned>(text: &[u8], error: &serde_json::Error) -> BadJson {
    let column = error.column();
    let no_json = || format!("this is not JSON: {error}");
    if error.classify() != Category::Data {
        return BadJson { words: no_json(), column };
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let words = match serde_path_to_error::deserialize::<_, T>(Objects(&mut reader)) {
        Err(error) => in_words(&pointer(error.path()), &error.inner().to_string()),
        Ok(_) => no_json(),
    };
    BadJson { words, column }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        // Writing to a String cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(pointer, "/{}", token(key)),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
        pointer
    })
}

fn token(key: &str) -> String {
    excerpt(key).replace('~', "~0").replace('/', "~1")
}

/// Serde's sentence without the place in the text, the value and the names of our types.
fn in_words(at: &str, error: &str) -> String {
    let sentence = error.rfind(" at line ").map_or(error, |end| &error[..end]);
    let at = if at.is_empty() { "the body" } else { at };
    let below =
        |field: &str| format!("{}/{}", if at == "the body" { "" } else { at }, token(field));
    if let Some(field) = sentence.strip_prefix("missing field ").and_then(quoted) {
        return format!("{} is missing", below(field));
    }
    if let Some(field) = sentence.strip_prefix("duplicate field ").and_then(quoted) {
        return format!("{} is given twice", below(field));
    }
    if let Some(rest) = sentence.strip_prefix("unknown field ") {
        let (field, known) = rest.split_once(", ").unwrap_or((rest, "there are no fields"));
        let field = quoted(field).unwrap_or_default();
        // The path has the field already if the reader had begun with its value.
        let place =
            if at.ends_with(&format!("/{}", token(field))) { at.to_owned() } else { below(field) };
        return format!("{place} is no field here; {}", known.replace("expected ", "there is "));
    }
    if let Some(rest) = sentence.strip_prefix("unknown variant ") {
        let (_, known) = rest.split_once(", ").unwrap_or((rest, "expected nothing"));
        return format!("{at}: {known}");
    }
    for (start, what) in [("invalid type: ", true), ("invalid value: ", false)] {
        if let Some((found, wanted)) =
            sentence.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "))
        {
            let found = if what { format!(", found {}", kind(found)) } else { String::new() };
            return format!("{at}: expected {}{found}", expected(wanted));
        }
    }
    // What a part of the body said, it said with its place in front.
    if sentence.starts_with('/') { sentence.to_owned() } else { format!("{at}: {sentence}") }
}

/// What stands between the first backticks.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('`')?.split('`').next()
}

/// What was found, by its JSON type alone.
fn kind(found: &str) -> &'static str {
    match found.split(' ').next().unwrap_or_default() {
        "string" | "character" => "a string",
        "integer" | "floating" => "a number",
        "boolean" => "a boolean",
        "sequence" => "an array",
        "null" | "unit" | "Option" => "null",
        _ => "an object",
    }
}

/// What was wanted, by its JSON type where serde names one of Rust's.
fn expected(wanted: &str) -> &str {
    match wanted.split(' ').next().unwrap_or_default() {
        "struct" | "internally" | "adjacently" => "an object",
        "tuple" => "an array",
        "enum" | "variant" | "unit" | "identifier" | "newtype" => "one of the known values",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up, in its range",
        "i8" | "i16" | "i32" | "i64" => "a whole number in its range",
        "f32" | "f64" => "a number",
        _ => match wanted {
            "a map" => "an object",
            "a sequence" => "an array",
            "string or map" => "a string or an object",
            other => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::AggregateId;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Home,
        Work,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Place {
        street: String,
        number: Option<u8>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Whole {
        id: AggregateId,
        places: Vec<Place>,
        #[serde(default)]
        notes: BTreeMap<String, bool>,
    }

    fn refused(text: &str) -> String {
        read::<Whole>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_says_where_and_what_in_the_words_of_the_wire() {
        let place = |place: &str| refused(&format!(r#"{{"id":"a","places":[{place}]}}"#));
        for (said, expected) in [
            (refused("{}"), "/id is missing"),
            (refused("[]"), "the body: expected an object, found an array"),
            (refused("5"), "the body: expected an object, found a number"),
            (refused(r#"{"id":"a","places":7}"#), "/places: expected an array, found a number"),
            (refused(r#"{"id":"a","id":"b"}"#), "/id is given twice"),
            (
                refused(r#"{"other":1}"#),
                "/other is no field here; there is one of `id`, `places`, `notes`",
            ),
            (
                refused(r#"{"id":"a.b","places":[]}"#),
                "/id: an id is 1 to 128 characters out of A-Z a-z 0-9 _ = -",
            ),
            (
                refused(r#"{"id":"a","places":[],"notes":{"a/b":"x"}}"#),
                "/notes/a~1b: expected a boolean, found a string",
            ),
            (place("{}"), "/places/0/street is missing"),
            (place("null"), "/places/0: expected an object, found null"),
            (place(r#"{"street":false}"#), "/places/0/street: expected a string, found a boolean"),
            (
                place(r#"{"street":"a","number":256}"#),
                "/places/0/number: expected a whole number from 0 up, in its range",
            ),
            (
                place(r#"{"street":"a","number":"7"}"#),
                "/places/0/number: expected a whole number from 0 up, in its range, found a string",
            ),
            (place(r#"{"street":"a","kind":"moon"}"#), "/places/0/kind: expected `home` or `work`"),
            (
                place(r#"{"street":"a","town":1}"#),
                "/places/0/town is no field here; there is one of `street`, `number`, `kind`",
            ),
        ] {
            assert_eq!(said, expected);
        }
        assert!(refused("{").starts_with("this is not JSON: EOF while parsing"));
        assert!(refused(r#"{"id":"a","places":[]} x"#).starts_with("this is not JSON: trailing"));
    }

    #[test]
    fn an_array_is_no_object_however_well_its_elements_fit() {
        for (said, at) in [
            (refused(r#"["a",[],{}]"#), "the body"),
            (refused(r#" ["a",[{"street":"s"}]]"#), "the body"),
            (refused(r#"{"id":"a","places":[["s",1,"home"]]}"#), "/places/0"),
            (
                from_value::<Place>(&serde_json::json!(["s", 1, "home"])).unwrap_err().to_string(),
                "the body",
            ),
        ] {
            assert_eq!(said, format!("{at}: expected an object, found an array"));
        }
        let whole =
            r#"{"id":"a","places":[{"street":"s","number":1,"kind":"home"}],"notes":{"a":true}}"#;
        assert!(read::<Whole>(whole.as_bytes()).is_ok());
        assert!(read_stored::<Place>(br#"["s",1,"home"]"#).is_ok(), "what is stored is read on");
    }

    #[test]
    fn neither_a_value_nor_a_long_name_comes_back() {
        let long = "x".repeat(10_000);
        for text in [
            format!(r#"{{"{long}":1}}"#),
            format!(r#"{{"id":"{long}"}}"#),
            format!(r#"{{"id":"a","places":"{long}"}}"#),
            format!(r#"{{"id":"a","places":[{{"street":"s","kind":"{long}"}}]}}"#),
        ] {
            let said = refused(&text);
            assert!(said.len() < 250, "{said}");
        }
    }

    #[test]
    fn a_value_that_is_json_already_is_refused_in_the_same_words() {
        let value = serde_json::json!({"street": 1});
        let said = from_value::<Place>(&value).unwrap_err().to_string();
        assert_eq!(said, "/street: expected a string, found a number");
    }
}
