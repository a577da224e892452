//! Addresses in the web.
//! Not here: whether anything is there.

use serde::{Deserialize, Serialize};

use super::Invalid;

shaped! {
    /// An address in the web, at most 2,000 bytes.
    WebAddress,
    |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        text.len() <= 2_000
            && text.bytes().all(|b| b.is_ascii_graphic())
            && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
    },
    "a web address begins with https:// or http:// and has no spaces"
}

impl WebAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
