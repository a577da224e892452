//! API keys: `hw_<key id>_<secret>`, made at random, kept as argon2id hashes.
//! Not here: whose a key is, and what is done about many guesses.

use std::{fmt, str::FromStr};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::{PasswordHash, Salt},
};
use serde::{Deserialize, Serialize};

/// What every key begins with, so that scanners for leaked secrets find it.
const PREFIX: &str = "hw_";
/// 48 bits tell keys apart; they are not secret.
const ID_BYTES: usize = 6;
/// 256 bits that nobody guesses.
const SECRET_BYTES: usize = 32;
/// Memory in KiB, passes and lanes: the first choice for argon2id of the OWASP Password Storage
/// Cheat Sheet (19 MiB, 2, 1). RFC 9106 recommends more, for passwords that people choose; these
/// secrets have 256 random bits.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// What a hash in a file may ask for at most: a typing error there must not take the memory.
const COST_MAX: (u32, u32, u32) = (256 * 1024, 16, 16);

/// The part of a key that says which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Box<str>);

/// Why a text is no key, or no part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// The text has not the form of a key.
    #[error("a key is hw_<key id>_<secret>")]
    Form,
    /// The text has not the form of a key's id.
    #[error("the id of a key is 1 to 32 characters out of a-z 0-9")]
    Id,
    /// The text is no hash that is taken here.
    #[error(
        "the hash of a key is argon2id in PHC form, with at most 256 MiB, 16 passes and 16 lanes"
    )]
    Hash,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// A whole key. Printed once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: KeyId,
    secret: Box<str>,
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash(PasswordHash);

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=32).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(BadKey::Id);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for KeyId {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// [`BadKey::Random`]
    pub fn generate() -> Result<Self, BadKey> {
        let id = KeyId(random_hex::<ID_BYTES>()?.into());
        Ok(Self { id, secret: random_hex::<SECRET_BYTES>()?.into() })
    }

    /// Whether `text` looks like a key and not like a token.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Which key it says it is.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole key.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    /// What is kept of it.
    ///
    /// # Errors
    /// [`BadKey::Random`], if there is no salt.
    pub fn hash(&self) -> Result<KeyHash, BadKey> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        getrandom::fill(&mut salt).map_err(|_| BadKey::Random)?;
        KeyHash::of(&self.secret, &salt)
    }
}

impl FromStr for ApiKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (id, secret) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(BadKey::Form)?;
        if secret.is_empty() || secret.len() > 256 {
            return Err(BadKey::Form);
        }
        Ok(Self { id: id.parse()?, secret: secret.into() })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

impl KeyHash {
    fn of(secret: &str, salt: &[u8]) -> Result<Self, BadKey> {
        let (memory, passes, lanes) = COST;
        let params = Params::new(memory, passes, lanes, None).map_err(|_| BadKey::Hash)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon.hash_password_with_salt(secret.as_bytes(), salt);
        hash.map(Self).map_err(|_| BadKey::Hash)
    }

    /// A hash that no key has and that costs as much as any: what is verified for an id that there
    /// is not, so that the time says nothing about which ids there are.
    ///
    /// # Errors
    /// [`BadKey::Random`]
    pub(super) fn of_nobody() -> Result<Self, BadKey> {
        ApiKey::generate()?.hash()
    }

    /// Whether `key` is the one. Takes some 20 ms and 19 MiB, whatever the answer.
    #[must_use]
    pub(super) fn verify(&self, key: &ApiKey) -> bool {
        // The comparison of the outputs takes the same time wherever they differ.
        Argon2::default().verify_password(key.secret.as_bytes(), &self.0).is_ok()
    }
}

impl TryFrom<String> for KeyHash {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        let hash = PasswordHash::new(&text).map_err(|_| BadKey::Hash)?;
        let params = Params::try_from(&hash.params).map_err(|_| BadKey::Hash)?;
        let (memory, passes, lanes) = COST_MAX;
        let bearable =
            params.m_cost() <= memory && params.t_cost() <= passes && params.p_cost() <= lanes;
        let whole = hash.salt.is_some() && hash.hash.is_some();
        if hash.algorithm != Algorithm::Argon2id.ident() || !bearable || !whole {
            return Err(BadKey::Hash);
        }
        Ok(Self(hash))
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.0.to_string()
    }
}

fn random_hex<const N: usize>() -> Result<String, BadKey> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| BadKey::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_revealed_and_fits_its_hash_alone() {
        let key = ApiKey::generate().unwrap();
        assert_eq!(key.reveal().parse::<ApiKey>().unwrap(), key);
        let kept = String::from(key.hash().unwrap());
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let kept = KeyHash::try_from(kept).unwrap();
        assert!(kept.verify(&key));
        let other = ApiKey { id: key.id.clone(), ..ApiKey::generate().unwrap() };
        assert!(!kept.verify(&other));
        assert!(!KeyHash::of_nobody().unwrap().verify(&key));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "hw_", "hw_a", "hw_a_", "hw__b", "hw_A_b", "xx_a_b", "hw_ä_b", "a.b.c"] {
            assert!(text.parse::<ApiKey>().is_err(), "{text:?}");
        }
        assert!(format!("hw_a_{}", "b".repeat(257)).parse::<ApiKey>().is_err());
    }

    #[test]
    fn neither_the_secret_nor_what_would_take_the_memory_comes_through() {
        let key = ApiKey::generate().unwrap();
        assert!(!format!("{key:?}").contains(&*key.secret));
        let kept = String::from(key.hash().unwrap());
        for other in [
            "plain text".to_owned(),
            kept.replace("m=19456", "m=4194304"),
            kept.replace("t=2", "t=1000000"),
            kept.replace("argon2id", "argon2d"),
            kept[..kept.rfind('$').unwrap()].to_owned(),
        ] {
            assert_eq!(KeyHash::try_from(other.clone()), Err(BadKey::Hash), "{other}");
        }
    }
}
