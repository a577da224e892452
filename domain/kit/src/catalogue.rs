//! What a command takes, found by asking its body's own reader and by leaving parts of an example
//! out. Not here: how the reader is asked.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    probe::{Step, Wanted, wanted},
    schema,
};

/// A command as tools and people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandInfo {
    /// Its name on the wire.
    pub name: String,
    /// The fields of its body.
    pub fields: Vec<FieldInfo>,
    /// A body that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// The JSON Schema of its body. Too much for what an instance says of itself over NATS.
    #[serde(skip)]
    pub schema: Value,
}

/// A field of a command's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldInfo {
    /// Its name on the wire.
    pub name: String,
    /// Its JSON type in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a body without it is refused; absent if nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

impl CommandInfo {
    /// The command `name` with a body of type `B`, of which `example` is one.
    #[must_use]
    pub fn of<B: DeserializeOwned>(name: &str, example: Option<Value>) -> Self {
        let schema = schema::of::<B>(example.as_ref());
        let names = match wanted::<B>(&[]) {
            Wanted::Struct(names) => names,
            _ => &[],
        };
        let fields = names.iter().map(|name| describe::<B>(name, example.as_ref()));
        Self { name: name.to_owned(), fields: fields.collect(), example, schema }
    }
}

fn describe<B: DeserializeOwned>(name: &str, example: Option<&Value>) -> FieldInfo {
    let mut path = vec![Step::Field(name.to_owned())];
    let optional = wanted::<B>(&path) == Wanted::Option;
    let example = example.and_then(Value::as_object);
    let mut kind = in_words::<B>(&mut path);
    if kind.is_empty() {
        kind = example.and_then(|example| example.get(name)).map_or("any", json_type).to_owned();
    }
    let needed = example.map(|example| {
        let mut rest = example.clone();
        rest.remove(name);
        B::deserialize(Value::Object(rest)).is_err()
    });
    let required = if optional { Some(false) } else { needed };
    FieldInfo { name: name.to_owned(), kind, required }
}

/// What is asked for at the end of `path`; nothing, where anything goes.
fn in_words<B: DeserializeOwned>(path: &mut Vec<Step>) -> String {
    let asked = wanted::<B>(path);
    let mut below = |step, before: &str| {
        path.push(step);
        format!("{before}{}", in_words::<B>(path))
    };
    match asked {
        Wanted::Nothing | Wanted::Any => String::new(),
        Wanted::Bool => "boolean".to_owned(),
        Wanted::Int { .. } => "integer".to_owned(),
        Wanted::Float => "number".to_owned(),
        Wanted::Text(_) => "string".to_owned(),
        Wanted::Unit => "null".to_owned(),
        Wanted::Option => below(Step::Inside, ""),
        Wanted::Array => below(Step::Element, "array of "),
        Wanted::Tuple(_) => "array".to_owned(),
        Wanted::Map => "object".to_owned(),
        Wanted::Struct(fields) => format!("object of {}", fields.join(", ")),
        Wanted::Enum(cases) => format!("one of {}", cases.join(", ")),
    }
}

const fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "any",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
