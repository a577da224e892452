//! The secrets that Stripe gives: a key for its API, and what its webhooks are signed with.
//! None of them can be printed. Not here: reading them from files.

use std::{fmt, str::FromStr};

/// Longest secret or key in bytes; Stripe's have about a hundred.
const SECRET_BYTES_MAX: usize = 512;
/// Most secrets that are good at a time: the new one and the old one, and one in reserve.
const SECRETS_MAX: usize = 4;

/// Whether money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Live,
    /// Everything is for trying.
    Test,
}

impl Mode {
    /// Whether `livemode` of an object of Stripe's says the same.
    #[must_use]
    pub const fn agrees(self, livemode: bool) -> bool {
        matches!((self, livemode), (Self::Live, true) | (Self::Test, false))
    }
}

/// A text is no key for Stripe's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key of Stripe's API begins with sk_live_, sk_test_, rk_live_ or rk_test_")]
pub struct NotAKey;

/// A key for Stripe's API, secret or restricted.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Whether what is done with it moves money.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.0[2..].starts_with("_live_") { Mode::Live } else { Mode::Test }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let begins = ["sk_live_", "sk_test_", "rk_live_", "rk_test_"];
        let is_key = begins.iter().any(|start| text.len() > start.len() && text.starts_with(start));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !is_key || text.len() > SECRET_BYTES_MAX || !text.bytes().all(is_plain) {
            return Err(NotAKey);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?})", self.mode())
    }
}

/// A text holds no signing secret, or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one to {SECRETS_MAX} signing secrets are needed, one a line, each beginning with whsec_")]
pub struct NotASecret;

/// What the webhooks of one endpoint are signed with. The whole text is the key, `whsec_` included.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SigningSecret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let rest = text.strip_prefix("whsec_").ok_or(NotASecret)?;
        let is_graphic = rest.bytes().all(|byte| byte.is_ascii_graphic());
        if rest.is_empty() || text.len() > SECRET_BYTES_MAX || !is_graphic {
            return Err(NotASecret);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// The signing secrets that are good now: several while one takes another's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecrets(Vec<SigningSecret>);

impl SigningSecrets {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SigningSecret> {
        self.0.iter()
    }
}

impl FromStr for SigningSecrets {
    type Err = NotASecret;

    /// One secret a line; lines that are blank do not count.
    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets = lines.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() || secrets.len() > SECRETS_MAX {
            return Err(NotASecret);
        }
        Ok(Self(secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let key: ApiKey = "sk_test_hidden".parse().unwrap();
        let secrets: SigningSecrets = "whsec_hidden\n\nwhsec_hidden2\n".parse().unwrap();
        let printed = format!("{key:?} {secrets:?}");
        assert!(!printed.contains("hidden"), "{printed}");
        assert_eq!(secrets.iter().count(), 2);
    }

    #[test]
    fn a_key_says_whether_money_moves() {
        let mode = |text: &str| text.parse::<ApiKey>().map(|key| key.mode());
        assert_eq!(mode("sk_live_a"), Ok(Mode::Live));
        assert_eq!(mode("rk_test_a"), Ok(Mode::Test));
        for text in ["", "sk_test_", "pk_test_a", "whsec_a", "sk_test_a\r\nX: y", "sk_test_ä"] {
            assert_eq!(mode(text), Err(NotAKey), "{text:?}");
        }
        assert!(Mode::Live.agrees(true) && !Mode::Live.agrees(false) && Mode::Test.agrees(false));
    }

    #[test]
    fn what_holds_no_signing_secret_is_refused() {
        for text in ["", "\n \n", "whsec_", "sk_test_a", "whsec_a b", "whsec_a\nnonsense"] {
            assert_eq!(text.parse::<SigningSecrets>(), Err(NotASecret), "{text:?}");
        }
        assert!("whsec_a\n".repeat(SECRETS_MAX + 1).parse::<SigningSecrets>().is_err());
    }
}
