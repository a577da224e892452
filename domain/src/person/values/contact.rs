//! Ways to reach a person, normalised, and the code that proves that a way leads there.

use std::{fmt, str::FromStr};

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

/// A way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum ContactPoint {
    /// By mail.
    Email(EmailAddress),
    /// By telephone.
    Phone(PhoneNumber),
}

impl ContactPoint {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ContactKind {
        match self {
            Self::Email(_) => ContactKind::Email,
            Self::Phone(_) => ContactKind::Phone,
        }
    }

    /// The address or number as text.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }

    /// `<kind>:<value>` in the form in which two ways to reach the same box are equal. RFC 5321 lets
    /// a host tell upper from lower case in the local part; none that matters does.
    #[must_use]
    pub fn normalised(&self) -> String {
        format!("{}:{}", self.kind(), self.value().to_ascii_lowercase())
    }
}

/// The kinds of [`ContactPoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    /// By mail.
    Email,
    /// By telephone.
    Phone,
}

impl fmt::Display for ContactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email => "email",
            Self::Phone => "phone",
        })
    }
}

/// Where a contact reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactUse {
    /// At home.
    Home,
    /// At work.
    Work,
    /// On the way.
    Mobile,
    /// Elsewhere.
    Other,
}

/// Why a verified contact is verified no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseReason {
    /// Another person had verified the same address or number before.
    ContactTaken,
}

/// The purpose under which [`kit::Secret::digest`] makes the digest for [`verification_code`]; the
/// message is the challenge's id as text.
pub const CONTACT_VERIFICATION: &str = "contact-verification";

/// The six digits that prove that somebody reads what is sent to a contact. Nothing secret is
/// stored: whoever holds the service's secret makes the same code from the same challenge.
#[must_use]
pub fn verification_code(digest: [u8; 32]) -> String {
    let [a, b, c, d, e, f, g, h, ..] = digest;
    format!("{:06}", u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_local_part_and_compares_in_lower_case() {
        let email: EmailAddress = " Ada.L+x@Example.ORG ".parse().unwrap();
        assert_eq!(email.as_str(), "Ada.L+x@example.org");
        assert_eq!(ContactPoint::Email(email).normalised(), "email:ada.l+x@example.org");
    }

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

    #[test]
    fn a_code_is_six_digits_and_the_same_for_the_same_digest() {
        assert_eq!(verification_code([0; 32]), "000000");
        assert_eq!(verification_code([255; 32]), verification_code([255; 32]));
        assert_eq!(verification_code([255; 32]).len(), 6);
    }
}
