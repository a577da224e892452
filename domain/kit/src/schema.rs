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
mod tests;
