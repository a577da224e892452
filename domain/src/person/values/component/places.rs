//! Where something is, on earth and in the web.
//! Not here: whether it is there.

use serde::{Deserialize, Serialize};

use crate::person::Invalid;

macro_rules! shaped {
    ($(#[$doc:meta])* $Name:ident, $shape:expr, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl TryFrom<String> for $Name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                let shape: fn(&str) -> bool = $shape;
                if shape(&text) { Ok(Self(text)) } else { Err(Invalid($message.to_owned())) }
            }
        }

        impl From<$Name> for String {
            fn from(value: $Name) -> Self {
                value.0
            }
        }
    };
}

shaped! {
    /// Two capital letters, the shape of ISO 3166-1 alpha-2.
    Country,
    |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "a country is two capital letters, such as CH"
}

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
