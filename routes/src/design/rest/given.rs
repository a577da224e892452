//! JSON objects as callers give them: fields are read by name, and what is not read stays as it was
//! written. Not here: which fields there are.

use std::{collections::BTreeMap, fmt};

use kit::AggregateId;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::refusal::Refusal;

/// The fields of an object.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Given {
    /// Whoever says a thing twice has not said which of the two it is.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, _>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            fields.insert(name, value);
        }
        Ok(Given(fields))
    }
}

impl Given {
    /// Reads an object.
    pub(super) fn read(text: &[u8]) -> Result<Self, Refusal> {
        kit::json::read(text).map_err(|error| Refusal::body(error.to_string()))
    }

    /// The field of the first of `names` that is there and not null.
    pub(super) fn raw(&self, names: &[&str]) -> Option<&RawValue> {
        let found = names.iter().filter_map(|name| self.0.get(*name));
        found.map(AsRef::as_ref).find(|raw| raw.get() != "null")
    }

    /// That field, if it is a string.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<String>, Refusal> {
        self.typed(names, "text")
    }

    /// That field, if it is an id.
    pub(super) fn id(&self, names: &[&str]) -> Result<Option<AggregateId>, Refusal> {
        let read = |text: String| text.parse().map_err(|_| Refusal::no_value("uuid", &text));
        self.text(names)?.map(read).transpose()
    }

    /// That field, if it is an object.
    pub(super) fn object(&self, names: &[&str]) -> Result<Option<Self>, Refusal> {
        self.typed(names, "an object")
    }

    /// The text of that field, if it is a number or a string: a number is never read as a binary
    /// fraction.
    pub(super) fn decimal(&self, names: &[&str]) -> Result<Option<String>, Refusal> {
        match self.raw(names).map(RawValue::get) {
            Some(text)
                if text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
            {
                Ok(Some(text.to_owned()))
            }
            _ => self.typed(names, "a number"),
        }
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The first name that is none of `known`.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|name| !known.contains(name))
    }

    fn typed<T: DeserializeOwned>(&self, names: &[&str], kind: &str) -> Result<Option<T>, Refusal> {
        let Some(raw) = self.raw(names) else { return Ok(None) };
        let read = serde_json::from_str(raw.get());
        read.map(Some)
            .map_err(|_| Refusal::body(format!("/{} is to be {kind}", names.join(" or /"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_twice_is_refused() {
        let given = Given::read(br#"{"p": {"amount": 1.50}, "q": null}"#).unwrap();
        assert_eq!(given.raw(&["p"]).unwrap().get(), r#"{"amount": 1.50}"#);
        let refused = Given::read(br#"{"p": 1, "q": 2, "p": 3}"#).unwrap_err();
        assert_eq!((refused.status.as_u16(), &*refused.code), (400, "PGRST102"));
        assert_eq!(refused.details.as_deref(), Some("/p is given twice"));
        let nested = Given::read(br#"{"p": {"amount": 1, "amount": 2}}"#).unwrap();
        assert!(nested.object(&["p"]).is_err());
        assert!(Given::read(b"[]").is_err());
    }
}
