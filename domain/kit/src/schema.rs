//! The JSON Schema (2020-12) of what a type reads, found by asking its own reader: so it cannot say
//! anything else than what is read.
//!
//! What only an example tells, it tells: which fields must be there. Not here: descriptions; the names
//! of the wire say what things are.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::probe::{Step, Wanted, wanted};

/// Deepest place that is looked at. A type that holds itself says from there on that anything goes.
const DEPTH_MAX: usize = 12;
/// No field has this name.
const UNKNOWN: &str = "\u{0}unknown";
/// Keys for maps whose keys have a form, where there is no example.
const KEYS: [&str; 4] = ["key", "eur", "2026-01-01", "00000000-0000-0000-0000-000000000000"];

/// The schema of the bodies that are read as a `T`, of which `example` is one.
#[must_use]
pub fn of<T: DeserializeOwned>(example: Option<&Value>) -> Value {
    Explorer {
        example,
        path: Vec::new(),
        reads: |value| T::deserialize(value).is_ok(),
        asks: wanted::<T>,
    }
    .here()
}

struct Explorer<'a> {
    example: Option<&'a Value>,
    path: Vec<Step>,
    reads: fn(Value) -> bool,
    asks: fn(&[Step]) -> Wanted,
}

impl Explorer<'_> {
    /// The schema of what is at the path.
    fn here(&mut self) -> Value {
        if self.path.len() > DEPTH_MAX {
            return json!({});
        }
        match (self.asks)(&self.path) {
            Wanted::Nothing | Wanted::Any => json!({}),
            Wanted::Bool => json!({"type": "boolean"}),
            Wanted::Int { bits, signed } => whole(bits, signed),
            Wanted::Float => json!({"type": "number"}),
            Wanted::Text(said) => text(&said),
            Wanted::Unit => json!({"type": "null"}),
            Wanted::Option => or_null(self.below(Step::Inside)),
            Wanted::Array => json!({"type": "array", "items": self.below(Step::Element)}),
            Wanted::Tuple(length) => {
                json!({"type": "array", "minItems": length, "maxItems": length})
            }
            Wanted::Map => self.map(),
            Wanted::Struct(fields) => self.object(fields),
            Wanted::Enum(cases) => self.cases(cases),
        }
    }

    fn below(&mut self, step: Step) -> Value {
        self.path.push(step);
        let schema = self.here();
        self.path.pop();
        schema
    }

    fn object(&mut self, fields: &[&'static str]) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in fields {
            if self.is_required(field) {
                required.push(*field);
            }
            properties.insert((*field).to_owned(), self.below(Step::Field((*field).to_owned())));
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if self.asked(Step::Field(UNKNOWN.to_owned())) == Wanted::Nothing {
            schema["additionalProperties"] = false.into();
        }
        schema
    }

    fn map(&mut self) -> Value {
        let own =
            self.found().and_then(Value::as_object).and_then(|map| map.keys().next().cloned());
        let keys = own.into_iter().chain(KEYS.map(str::to_owned));
        let liked = keys.map(Step::Field).find(|key| self.asked(key.clone()) != Wanted::Nothing);
        let values = liked.map_or_else(|| json!({}), |key| self.below(key));
        json!({"type": "object", "additionalProperties": values})
    }

    /// An enum as serde writes it: a word for a case that holds nothing, else an object with the word as
    /// its field.
    fn cases(&mut self, cases: &[&'static str]) -> Value {
        let (mut words, mut schemas) = (Vec::new(), Vec::new());
        for case in cases {
            match self.below(Step::Case(case)) {
                held if held["type"] == "null" => words.push(*case),
                held => schemas.push(json!({
                    "type": "object",
                    "properties": {*case: held},
                    "required": [case],
                    "additionalProperties": false,
                })),
            }
        }
        if !words.is_empty() {
            schemas.insert(0, json!({"type": "string", "enum": words}));
        }
        if schemas.len() == 1 { schemas.remove(0) } else { json!({"oneOf": schemas}) }
    }

    fn asked(&mut self, step: Step) -> Wanted {
        self.path.push(step);
        let wanted = (self.asks)(&self.path);
        self.path.pop();
        wanted
    }

    /// Whether the example is not read without the field. One that has not got it shows that it is not
    /// needed, and without an example nothing is said.
    fn is_required(&mut self, field: &str) -> bool {
        let (Some(example), Some(pointer)) = (self.example, self.pointer()) else { return false };
        let mut without = example.clone();
        let object = without.pointer_mut(&pointer).and_then(Value::as_object_mut);
        object.and_then(|object| object.remove(field)).is_some() && !(self.reads)(without)
    }

    /// What the example has at the path.
    fn found(&self) -> Option<&Value> {
        self.example?.pointer(&self.pointer()?)
    }

    /// The path as a JSON pointer.
    fn pointer(&self) -> Option<String> {
        let mut pointer = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) => {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Step::Element => pointer.push_str("/0"),
                Step::Inside => {}
                Step::Case(name) => {
                    pointer.push('/');
                    pointer.push_str(name);
                }
            }
        }
        self.example?.pointer(&pointer).is_some().then_some(pointer)
    }
}

fn whole(bits: u8, signed: bool) -> Value {
    let mut schema = json!({"type": "integer"});
    if bits < 64 {
        let most = if signed { (1_i64 << (bits - 1)) - 1 } else { (1_i64 << bits) - 1 };
        schema["maximum"] = most.into();
        schema["minimum"] = if signed { -most - 1 } else { 0 }.into();
    } else if !signed {
        schema["minimum"] = 0.into();
    } else {
        schema["format"] = "int64".into();
    }
    schema
}

/// Text, with its format where the reader's words tell it.
fn text(said: &str) -> Value {
    let formats = [("RFC 3339", "date-time"), ("formatted date string", "date"), ("UUID", "uuid")];
    match formats.iter().find(|(words, _)| said.contains(words)) {
        Some((_, format)) => json!({"type": "string", "format": format}),
        None => json!({"type": "string"}),
    }
}

/// The same or nothing.
fn or_null(mut schema: Value) -> Value {
    let plain = schema["type"].is_string() && schema.get("enum").is_none();
    if plain {
        schema["type"] = json!([schema["type"], "null"]);
        return schema;
    }
    if schema.as_object().is_some_and(Map::is_empty) {
        return schema;
    }
    json!({"anyOf": [schema, {"type": "null"}]})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, NaiveDate, Utc};
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;
    use crate::AggregateId;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Home,
        Work,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only read into")]
    enum Way {
        Mail { to: String },
        Call(u8),
        Nothing,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Place {
        street: String,
        #[serde(default)]
        floor: i16,
        kind: Option<Kind>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only read into")]
    struct Whole {
        id: AggregateId,
        at: DateTime<Utc>,
        day: Option<NaiveDate>,
        key: Uuid,
        amount: i64,
        share: f64,
        places: Vec<Place>,
        prices: BTreeMap<String, u32>,
        pair: (u8, u8),
        way: Way,
        notes: Value,
        #[serde(default)]
        inner: Option<Box<Self>>,
    }

    fn example() -> Value {
        json!({
            "id": "a", "at": "2026-11-21T12:00:00Z", "key": Uuid::nil(), "amount": 1, "share": 0.5,
            "places": [{"street": "x"}], "prices": {"eur": 1}, "pair": [1, 2], "way": "nothing",
            "notes": null,
        })
    }

    #[test]
    fn a_schema_says_what_the_reader_asks_for() {
        let example = example();
        let schema = of::<Whole>(Some(&example));
        let properties = &schema["properties"];
        for (field, expected) in [
            ("id", json!({"type": "string"})),
            ("at", json!({"type": "string", "format": "date-time"})),
            ("day", json!({"type": ["string", "null"], "format": "date"})),
            ("key", json!({"type": "string", "format": "uuid"})),
            ("amount", json!({"type": "integer", "format": "int64"})),
            ("share", json!({"type": "number"})),
            (
                "prices",
                json!({"type": "object", "additionalProperties":
                    {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}}),
            ),
            ("pair", json!({"type": "array", "minItems": 2, "maxItems": 2})),
            ("notes", json!({})),
        ] {
            assert_eq!(properties[field], expected, "{field}");
        }
        assert_eq!(
            properties["places"]["items"],
            json!({
                "type": "object",
                "properties": {
                    "street": {"type": "string"},
                    "floor": {"type": "integer", "minimum": -32_768, "maximum": 32_767},
                    "kind": {"anyOf": [
                        {"type": "string", "enum": ["home", "work"]}, {"type": "null"}]},
                },
                "required": ["street"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn what_must_be_there_is_what_the_example_is_not_read_without() {
        let schema = of::<Whole>(Some(&example()));
        let required: Vec<_> = schema["required"].as_array().unwrap().clone();
        let all =
            ["id", "at", "key", "amount", "share", "places", "prices", "pair", "way", "notes"];
        assert_eq!(required, all);
        assert!(of::<Whole>(None).get("required").is_none());
        assert!(schema.get("additionalProperties").is_none(), "it takes unknown fields");
    }

    #[test]
    fn each_case_of_an_enum_has_its_own_form() {
        let way = &of::<Whole>(None)["properties"]["way"]["oneOf"];
        assert_eq!(way[0], json!({"type": "string", "enum": ["nothing"]}));
        assert_eq!(way[1]["properties"]["mail"]["properties"], json!({"to": {"type": "string"}}));
        assert_eq!(way[2]["properties"]["call"]["maximum"], 255);
        assert_eq!(way[2]["required"], json!(["call"]));
    }

    #[test]
    fn a_type_that_holds_itself_has_an_end() {
        let text = of::<Whole>(None).to_string();
        assert!(text.contains("inner"));
    }
}
