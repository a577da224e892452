//! How a person wants to be treated.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Invalid;

/// A channel over which a person agrees to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Electronic mail.
    Email,
    /// Text messages.
    Sms,
    /// Calls.
    Phone,
    /// Letters.
    Post,
    /// Notifications of an app.
    Push,
}

/// All preferences of a person; what is absent is left to the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// The language to speak in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageTag>,
    /// The conventions for numbers and dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<LanguageTag>,
    /// Where the person's clock is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<TimeZoneName>,
    /// The channels the person agrees to; absent if never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeSet<Channel>>,
}

macro_rules! checked {
    ($(#[$doc:meta])* $Name:ident, $shape:ident, $message:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Name(String);

        impl FromStr for $Name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                if $shape(text) { Ok(Self(text.to_owned())) } else { Err(Invalid($message.to_owned())) }
            }
        }

        impl TryFrom<String> for $Name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$Name> for String {
            fn from(value: $Name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked! {
    /// A language tag of the shape of RFC 5646, such as `de-CH`.
    LanguageTag, is_language_tag, "a language tag looks like en or de-CH"
}

checked! {
    /// A name of the shape of the tz database, such as `Europe/Zurich`. Whether the zone exists is for
    /// whoever uses it: the database changes several times a year, and a stored fact must not.
    TimeZoneName, is_time_zone, "a time zone looks like Europe/Zurich"
}

/// Longest tag; RFC 5646 section 4.4.1 asks for 35 characters at least.
const LANGUAGE_TAG_BYTES_MAX: usize = 35;

fn is_language_tag(text: &str) -> bool {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let language = text.split('-').next().unwrap_or_default();
    let begins =
        (2..=8).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    text.len() <= LANGUAGE_TAG_BYTES_MAX && begins && text.split('-').all(subtag)
}

fn is_time_zone(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+');
    let part = |part: &str| !part.is_empty() && part.bytes().all(allowed);
    text.len() <= 64 && text.split('/').count() <= 3 && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_zones_have_their_shape() {
        for good in ["en", "de-CH", "zh-Hant-TW", "sl-rozaj-biske"] {
            assert!(good.parse::<LanguageTag>().is_ok(), "{good}");
        }
        for bad in ["", "e", "de_CH", "de-", "-de", "german language"] {
            assert!(bad.parse::<LanguageTag>().is_err(), "{bad}");
        }
        for good in ["UTC", "Europe/Zurich", "America/Argentina/Ushuaia", "Etc/GMT+1"] {
            assert!(good.parse::<TimeZoneName>().is_ok(), "{good}");
        }
        for bad in ["", "/", "Europe/", "a/b/c/d", "Mars Base"] {
            assert!(bad.parse::<TimeZoneName>().is_err(), "{bad}");
        }
    }
}
