//! Who caused something, as the caller says it.
//! Not here: who asked over the wire; the envelope of each event says that.

use serde::{Deserialize, Serialize};

use crate::values::{GivenObject, Invalid, Text, fits};

/// Largest provenance in bytes.
const PROVENANCE_BYTES_MAX: usize = 16 * 1024;

/// What a caller says about where a change comes from. It is a claim and decides nothing; it is kept
/// because an audit asks for it and the envelope holds only the program that asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Loose")]
pub struct Provenance {
    /// Who triggered it, such as an e-mail address or `stripe_webhook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Text<200>>,
    /// More about the circumstances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<GivenObject>,
    /// The data as the caller gave them, for whoever wants them back as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<GivenObject>,
}

impl Provenance {
    /// Caused by `created_by`, and no more is said.
    #[must_use]
    pub const fn by(created_by: Text<200>) -> Self {
        Self { created_by: Some(created_by), metadata: None, data: None }
    }

    /// Whose doing it was, without the rest: for an event that only follows from another.
    #[must_use]
    pub fn author(&self) -> Self {
        Self { created_by: self.created_by.clone(), metadata: None, data: None }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Provenance")]
struct Loose {
    #[serde(default)]
    created_by: Option<Text<200>>,
    #[serde(default)]
    metadata: Option<GivenObject>,
    #[serde(default)]
    data: Option<GivenObject>,
}

impl TryFrom<Loose> for Provenance {
    type Error = Invalid;

    fn try_from(loose: Loose) -> Result<Self, Invalid> {
        let Loose { created_by, metadata, data } = loose;
        let provenance = Self { created_by, metadata, data };
        fits(&provenance, PROVENANCE_BYTES_MAX)?;
        Ok(provenance)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_provenance_is_bounded_and_knows_no_other_field() {
        let read = |value| serde_json::from_value::<Provenance>(value);
        let given =
            json!({"created_by": "ada@example.org", "data": {"email": null, "amount": 49.9}});
        assert_eq!(serde_json::to_value(read(given.clone()).unwrap()).unwrap(), given);
        assert!(read(json!({})).is_ok() && read(json!({"created_by": null})).is_ok());
        for bad in [
            json!({"by": "ada"}),
            json!({"metadata": []}),
            json!({"created_by": "a\r\nb"}),
            json!({"data": {"a": "x".repeat(8_192)}, "metadata": {"b": "x".repeat(8_192)}}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
