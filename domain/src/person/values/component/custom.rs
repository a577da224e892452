//! The form for what no other form fits.
//! Not here: numbers, lists and nested data; what needs them deserves a form of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::person::{Invalid, Text};

/// Most fields of a custom attribute beside its type.
const CUSTOM_FIELDS_MAX: usize = 20;

/// Anything else: a type and some strings, such as the note that a welcome mail is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Text<1000>>", into = "BTreeMap<String, Text<1000>>")]
pub struct CustomAttribute {
    kind: Text<1000>,
    fields: BTreeMap<String, Text<1000>>,
}

impl CustomAttribute {
    /// What kind of attribute it is: the field `type`.
    #[must_use]
    pub const fn kind(&self) -> &Text<1000> {
        &self.kind
    }

    /// The other fields by name.
    #[must_use]
    pub const fn fields(&self) -> &BTreeMap<String, Text<1000>> {
        &self.fields
    }
}

impl TryFrom<BTreeMap<String, Text<1000>>> for CustomAttribute {
    type Error = Invalid;

    fn try_from(mut fields: BTreeMap<String, Text<1000>>) -> Result<Self, Invalid> {
        let kind = fields
            .remove("type")
            .ok_or_else(|| Invalid("a custom attribute has a field `type`".to_owned()))?;
        if fields.len() > CUSTOM_FIELDS_MAX || fields.keys().any(|key| key.len() > 100) {
            return Err(Invalid(format!("at most {CUSTOM_FIELDS_MAX} fields with short names")));
        }
        Ok(Self { kind, fields })
    }
}

impl From<CustomAttribute> for BTreeMap<String, Text<1000>> {
    fn from(attribute: CustomAttribute) -> Self {
        let mut fields = attribute.fields;
        fields.insert("type".to_owned(), attribute.kind);
        fields
    }
}
