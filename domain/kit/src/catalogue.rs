//! What a command takes, found by asking its body's own reader and by leaving parts of an example
//! out. Not here: a schema of values; the example shows one, and the reader's refusals say the rest.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, MapAccess, SeqAccess,
        Visitor, value::Error,
    },
};
use serde_json::Value;

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
        let fields = names::<B>().iter().map(|field| describe::<B>(field, example.as_ref()));
        Self { name: name.to_owned(), fields: fields.collect(), example }
    }
}

fn names<B: DeserializeOwned>() -> &'static [&'static str] {
    let mut found = &[][..];
    // The probe never yields a value; what counts is what it was asked for.
    let _ = B::deserialize(Names(&mut found));
    found
}

fn describe<B: DeserializeOwned>(field: &'static str, example: Option<&Value>) -> FieldInfo {
    let mut found = Found::default();
    let _ = B::deserialize(Single { field, found: &mut found });
    let example = example.and_then(Value::as_object);
    if found.kind.is_empty() {
        let kind = example.and_then(|example| example.get(field)).map_or("any", json_type);
        kind.clone_into(&mut found.kind);
    }
    let needed = example.map(|example| {
        let mut rest = example.clone();
        rest.remove(field);
        B::deserialize(Value::Object(rest)).is_err()
    });
    let required = if found.optional { Some(false) } else { needed };
    FieldInfo { name: field.to_owned(), kind: found.kind, required }
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

fn seen() -> Error {
    de::Error::custom("seen enough")
}

/// Learns the names of a struct's fields.
struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(seen())
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(seen())
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[derive(Default)]
struct Found {
    kind: String,
    optional: bool,
}

/// A body with one field, whose reader is asked what it wants.
struct Single<'a> {
    field: &'static str,
    found: &'a mut Found,
}

impl<'de> Deserializer<'de> for Single<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Single<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        seed.deserialize(self.field.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Wanted { found: self.found, depth: 0 })
    }
}

/// A value that notes what it is wanted as.
struct Wanted<'a> {
    found: &'a mut Found,
    depth: u8,
}

impl Wanted<'_> {
    fn is<T>(self, kind: &str) -> Result<T, Error> {
        self.found.kind.push_str(kind);
        Err(seen())
    }
}

macro_rules! kinds {
    ($($kind:literal: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            self.is($kind)
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Wanted<'_> {
    type Error = Error;

    kinds! {
        "": deserialize_any deserialize_ignored_any;
        "boolean": deserialize_bool;
        "integer": deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        "number": deserialize_f32 deserialize_f64;
        "string": deserialize_char deserialize_str deserialize_string deserialize_identifier;
        "array": deserialize_bytes deserialize_byte_buf;
        "object": deserialize_map;
        "null": deserialize_unit;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.found.optional |= self.depth == 0;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Error> {
        self.is("null")
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.found.kind.push_str("array of ");
        visitor.visit_seq(Wanted { depth: self.depth + 1, ..self })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        self.is("array")
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Error> {
        self.is("array")
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.is(&format!("object of {}", fields.join(", ")))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.is(&format!("one of {}", variants.join(", ")))
    }
}

impl<'de> SeqAccess<'de> for Wanted<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        seed.deserialize(Wanted { found: self.found, depth: self.depth }).map(Some)
    }
}
