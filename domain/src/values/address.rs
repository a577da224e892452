//! Addresses and numbers, normalised.
//! Not here: whether anybody reads what is sent there.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Invalid;

/// RFC 5321 section 4.5.3.1: octets of a local part, of a domain, and of a forward path less `<>`.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;
const ADDRESS_BYTES_MAX: usize = 254;
/// RFC 1035 section 2.3.4: octets of one label of a domain.
const LABEL_BYTES_MAX: usize = 63;
/// E.164: a country code and a subscriber number have at most 15 digits; no plan has fewer than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// An e-mail address of the usual shape: a dot-atom local part and a domain of two labels or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address, the domain in lower case, the local part as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid("not an e-mail address".to_owned());
        let (local, domain) = text.trim().rsplit_once('@').ok_or_else(bad)?;
        let fits = local.len() <= LOCAL_BYTES_MAX
            && domain.len() <= DOMAIN_BYTES_MAX
            && local.len() + 1 + domain.len() <= ADDRESS_BYTES_MAX;
        if !fits || !local.split('.').all(is_atom) {
            return Err(bad());
        }
        if !domain.contains('.') || !domain.split('.').all(is_label) {
            return Err(bad());
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }
}

/// RFC 5322 section 3.2.3 `atext`.
fn is_atom(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// RFC 1123 section 2.1: letters, digits and inner hyphens.
fn is_label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let edges = !text.starts_with('-') && !text.ends_with('-');
    !text.is_empty() && text.len() <= LABEL_BYTES_MAX && edges && text.bytes().all(allowed)
}

/// A telephone number in E.164 form, such as `+4930123456`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number: a plus sign and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid("a telephone number starts with + and its country code".to_owned());
        let written = text.trim().strip_prefix('+').ok_or_else(bad)?;
        let digits: String =
            written.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
        let numeric = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if !numeric || !PHONE_DIGITS.contains(&digits.len()) {
            return Err(bad());
        }
        Ok(Self(format!("+{digits}")))
    }
}

macro_rules! as_string {
    ($($Name:ident),*) => {$(
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
    )*};
}

as_string!(EmailAddress, PhoneNumber);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_mail_server_takes_is_not_an_address() {
        let long = format!("{}@example.org", "x".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a da@example.org",
            ".a@example.org",
            "a..b@example.org",
            "ada@-x.org",
            "ada@x-.org",
            "ada@x..org",
            "ada@exämple.org",
            "a@b@c.org",
            "ada@example.org\r\nBcc: x@example.org",
            &long,
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_is_brought_into_e164_form() {
        assert_eq!("+49 (30) 123-456".parse::<PhoneNumber>().unwrap().as_str(), "+4930123456");
        for bad in ["", "030 123456", "+0301234567", "+49", "+49x30123456", "+1234567890123456"] {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad:?}");
        }
    }
}
