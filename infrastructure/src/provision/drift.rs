//! Where a stream on the server differs from its definition, field by field.
//! Not here: doing something about it.

use std::fmt;

use async_nats::jetstream::stream::Config;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields that an operator decides, not the code: where a stream lives.
const FREE: &[&str] = &["placement"];
/// What the server writes into a stream's metadata by itself.
const SERVER_METADATA: &str = "_nats.";

/// One field that is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The stream.
    pub stream: String,
    /// The field's name in the server's API.
    pub field: String,
    /// What the definition says.
    pub wanted: String,
    /// What the server has.
    pub found: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, field, wanted, found } = self;
        write!(f, "{stream}.{field}: wanted {wanted}, found {found}")
    }
}

/// All of them in one line.
pub(super) fn list(drifts: &[Drift]) -> String {
    drifts.iter().map(Drift::to_string).collect::<Vec<_>>().join("; ")
}

/// Compares the two as the API spells them, so that a field is named as the operator knows it.
pub(crate) fn between(wanted: &Config, found: &Config) -> Vec<Drift> {
    let (wanted_fields, found_fields) = (fields(wanted), fields(found));
    let mut names: Vec<&String> = wanted_fields.keys().chain(found_fields.keys()).collect();
    names.sort();
    names.dedup();
    let drift = |name: &String| {
        let (wanted_value, found_value) = (wanted_fields.get(name), found_fields.get(name));
        (wanted_value != found_value).then(|| Drift {
            stream: wanted.name.clone(),
            field: name.clone(),
            wanted: shown(wanted_value, found_value),
            found: shown(found_value, wanted_value),
        })
    };
    names.into_iter().filter_map(drift).collect()
}

/// The fields that say something: an absent one and one at its zero value are the same.
fn fields(config: &Config) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(config) else { return Map::new() };
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|key, _| !key.starts_with(SERVER_METADATA));
    }
    fields.retain(|name, value| !FREE.contains(&name.as_str()) && !is_zero(value));
    fields
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_i64() == Some(0),
        Value::String(value) => value.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.values().all(is_zero),
    }
}

/// A field's value in words; an absent one is the zero of what the other side has.
fn shown(value: Option<&Value>, other: Option<&Value>) -> String {
    match (value, other) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(value), _) => value.to_string(),
        (None, Some(Value::Bool(_))) => "false".to_owned(),
        (None, Some(Value::Number(_))) => "0".to_owned(),
        (None, _) => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_difference_names_the_field_and_both_values() {
        let wanted = nats::streams::events(1);
        let found = Config { deny_purge: false, ..wanted.clone() };
        let drifts = between(&wanted, &found);
        assert_eq!(list(&drifts), "EVENTS.deny_purge: wanted true, found false");
    }

    #[test]
    fn every_difference_is_found() {
        let wanted = nats::streams::events(3);
        let found = Config {
            subjects: vec!["other.>".to_owned()],
            max_age: Duration::from_secs(1),
            num_replicas: 1,
            allow_batch_publish: true,
            ..wanted.clone()
        };
        let fields: Vec<_> =
            between(&wanted, &found).into_iter().map(|drift| drift.field).collect();
        assert_eq!(fields, ["allow_batched", "max_age", "num_replicas", "subjects"]);
    }

    #[test]
    fn what_the_server_adds_by_itself_is_no_difference() {
        let wanted = nats::streams::events(1);
        let mut found = wanted.clone();
        found.metadata.insert("_nats.level".to_owned(), "5".to_owned());
        assert_eq!(between(&wanted, &found), []);
        found.metadata.insert("team".to_owned(), "other".to_owned());
        assert_eq!(between(&wanted, &found).len(), 1);
    }
}
