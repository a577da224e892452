//! Ways to reach a person, and the code that proves that a way leads there.
//! Not here: what is an address.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EmailAddress, PhoneNumber};

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

impl ContactKind {
    /// Whether a code can be sent there: there is a way to send mail, and none to call.
    #[must_use]
    pub const fn takes_codes(self) -> bool {
        match self {
            Self::Email => true,
            Self::Phone => false,
        }
    }
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
    fn a_code_is_six_digits_and_the_same_for_the_same_digest() {
        assert_eq!(verification_code([0; 32]), "000000");
        assert_eq!(verification_code([255; 32]), verification_code([255; 32]));
        assert_eq!(verification_code([255; 32]).len(), 6);
    }
}
