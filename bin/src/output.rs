//! Standard output: lines for people or one JSON value a line for machines.
//! Not here: failures, which go to standard error, and logs.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use crate::options::{Format, Global, JsonArgs};

/// Where a subcommand writes its answer.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
}

impl Output {
    /// Output as the global options say.
    #[must_use]
    pub const fn new(global: &Global) -> Self {
        Self { format: global.output }
    }

    /// Output as the global options or the subcommand's own `--json` say.
    #[must_use]
    pub const fn with(global: &Global, shorthand: JsonArgs) -> Self {
        Self { format: if shorthand.json { Format::Json } else { global.output } }
    }

    /// Whether machines read it.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Writes `text` for people, or `value` for machines.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn write(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.is_json() { self.json(value) } else { self.line(text()) }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn line(self, text: impl AsRef<str>) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.as_ref())?;
        Ok(out.flush()?)
    }

    /// Writes one JSON value on one line.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn json(self, value: &impl Serialize) -> Result<()> {
        self.line(serde_json::to_string(value)?)
    }
}

/// `text` without what a terminal would obey: stored text may come from strangers.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// A JSON value as indented lines: what a person reads faster than braces.
#[must_use]
pub fn outline(value: &Value) -> String {
    let mut text = String::new();
    nested(&mut text, value, 0);
    text.trim_end().to_owned()
}

fn nested(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    // Writing to a String cannot fail.
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match plain(value) {
                    Some(value) => drop(writeln!(text, "{indent}{name}: {value}")),
                    None => {
                        let _ = writeln!(text, "{indent}{name}:");
                        nested(text, value, depth + 1);
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Some(item) = plain(item) {
                    let _ = writeln!(text, "{indent}- {item}");
                } else {
                    let mut inner = String::new();
                    nested(&mut inner, item, depth + 1);
                    let _ = write!(text, "{indent}- {}", inner.trim_start());
                }
            }
        }
        other => drop(writeln!(text, "{indent}{}", plain(other).unwrap_or_default())),
    }
}

/// A value that fits behind its name.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean(text)),
        Value::Array(items) if items.is_empty() => Some("(none)".to_owned()),
        Value::Object(fields) if fields.is_empty() => Some("(none)".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
        Value::Null => Some("-".to_owned()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_text_cannot_command_the_terminal() {
        assert_eq!(clean("Ada\u{1b}[2J\nä"), "Ada\\u{1b}[2J\\nä");
    }

    #[test]
    fn a_document_reads_as_an_outline() {
        let document = serde_json::json!({
            "name": {"given": ["Ada"], "family": "Lovelace"},
            "contacts": [{"kind": "email", "verified": true}, {"kind": "phone", "verified": false}],
            "tags": [],
        });
        let expected = "\
contacts:
  - kind: email
    verified: true
  - kind: phone
    verified: false
name:
  family: Lovelace
  given:
    - Ada
tags: (none)";
        assert_eq!(outline(&document), expected);
    }
}
