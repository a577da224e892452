//! The access file: keys, roles of one's own, and whose tokens are taken. JSON, because a tool
//! writes it; people may, too.
//! Not here: when it is read, and how it is kept from others.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use kit::json::{self, BadJson};
use serde::{Deserialize, Serialize};

use super::{
    key::{KeyHash, KeyId},
    role::Roles,
};

/// Longest name of a key in characters: it stands in lists.
const NAME_CHARACTERS_MAX: usize = 100;
/// How far clocks may differ unless the file says so.
const LEEWAY_SECONDS: u64 = 60;
/// The most they may differ.
const LEEWAY_SECONDS_MAX: u64 = 600;

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessFile {
    /// The API keys.
    pub keys: Vec<KeyEntry>,
    /// Roles beside the shipped ones, or in the place of those of the same name.
    #[serde(skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// Whose tokens are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Issuer>,
}

/// One API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Which key.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The key whose place it takes: what that one has begun is its own, and commands name that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<KeyId>,
    /// What it may do.
    pub roles: BTreeSet<String>,
    /// What is kept of its secret.
    pub hash: KeyHash,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
    /// Whether it is refused already.
    #[serde(default)]
    pub revoked: bool,
}

/// Who signs tokens that are taken, and what they must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The claim `iss`, word for word.
    pub issuer: String,
    /// One of these is in the claim `aud`.
    pub audiences: Vec<String>,
    /// Where the public keys are: the path of a JWKS file, or an https address.
    pub jwks: String,
    /// The algorithms that are taken.
    #[serde(default = "every_algorithm")]
    pub algorithms: Vec<TokenAlgorithm>,
    /// The claim with the roles: its name, or a JSON pointer such as `/realm_access/roles`. Its value
    /// is a list, or words with spaces between them.
    #[serde(default = "usual_claim")]
    pub roles_claim: String,
    /// By how many seconds clocks may differ.
    #[serde(default = "usual_leeway")]
    pub leeway_seconds: u64,
}

/// An algorithm that may sign tokens. Those with a shared secret are no choice: who can check such a
/// token can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// RSA with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// It cannot be read as what it should be.
    #[error("{0}")]
    Json(#[from] BadJson),
    /// Two keys have one id.
    #[error("/keys: two keys have the id {0}")]
    Twice(KeyId),
    /// A key has no name, or one that is too long or unreadable.
    #[error(
        "/keys: the name of the key {0} is 1 to {NAME_CHARACTERS_MAX} characters without control \
         characters"
    )]
    Name(KeyId),
    /// A key has a role that there is not.
    #[error("/keys: the key {key} has the role {role:?}; there is {known}")]
    Role {
        /// The key.
        key: KeyId,
        /// The role.
        role: String,
        /// Those that there are.
        known: String,
    },
    /// What is said about tokens does not fit together.
    #[error("/jwt/{0}")]
    Jwt(&'static str),
}

impl AccessFile {
    /// Reads the file's text. Roles of keys are those of the file and `shipped`.
    ///
    /// # Errors
    /// [`BadFile`] with the place in it.
    pub fn read(text: &[u8], shipped: &Roles) -> Result<Self, BadFile> {
        let file: Self = json::read(text)?;
        file.check(shipped)?;
        Ok(file)
    }

    /// The shipped roles with those of the file.
    #[must_use]
    pub fn roles(&self, shipped: &Roles) -> Roles {
        shipped.clone().and(&self.roles)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`BadFile`], the first found.
    pub fn check(&self, shipped: &Roles) -> Result<(), BadFile> {
        let (roles, mut met) = (self.roles(shipped), BTreeSet::new());
        for KeyEntry { id, name, roles: wanted, .. } in &self.keys {
            if !met.insert(id) {
                return Err(BadFile::Twice(id.clone()));
            }
            let length = name.chars().count();
            if !(1..=NAME_CHARACTERS_MAX).contains(&length) || name.chars().any(char::is_control) {
                return Err(BadFile::Name(id.clone()));
            }
            if let Some(role) = wanted.iter().find(|role| roles.get(role).is_none()) {
                let known = roles.names().collect::<Vec<_>>().join(", ");
                let role = kit::excerpt(role).into_owned();
                return Err(BadFile::Role { key: id.clone(), role, known });
            }
        }
        self.jwt.as_ref().map_or(Ok(()), Issuer::check)
    }
}

impl Issuer {
    fn check(&self) -> Result<(), BadFile> {
        let wrong = if self.issuer.is_empty() {
            "issuer is empty"
        } else if self.audiences.iter().all(String::is_empty) {
            "audiences has nothing: a token for somebody else would be taken"
        } else if self.algorithms.is_empty() {
            "algorithms has nothing"
        } else if self.roles_claim.is_empty() {
            "roles_claim is empty"
        } else if self.leeway_seconds > LEEWAY_SECONDS_MAX {
            "leeway_seconds may be 0 to 600"
        } else if self.jwks.is_empty() || self.location().is_none() {
            "jwks is the path of a file or an https address (http for this machine alone)"
        } else {
            return Ok(());
        };
        Err(BadFile::Jwt(wrong))
    }
}

impl fmt::Display for TokenAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        })
    }
}

fn every_algorithm() -> Vec<TokenAlgorithm> {
    vec![TokenAlgorithm::Rs256, TokenAlgorithm::Es256, TokenAlgorithm::EdDsa]
}

fn usual_claim() -> String {
    "roles".to_owned()
}

const fn usual_leeway() -> u64 {
    LEEWAY_SECONDS
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::access::ApiKey;

    fn shipped() -> Roles {
        serde_json::from_value(json!({"admin": {"commands": ["*.*.*"]}})).unwrap()
    }

    fn key() -> Value {
        let key = ApiKey::generate().unwrap();
        json!({
            "id": key.id(), "name": "shop", "roles": ["admin"], "hash": key.hash().unwrap(),
            "created": "2026-11-21T12:00:00Z",
        })
    }

    fn read(file: &Value) -> Result<AccessFile, String> {
        AccessFile::read(file.to_string().as_bytes(), &shipped()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let file = json!({
            "keys": [key()],
            "roles": {"shop": {"commands": ["design.*.quote"], "histories": ["design.*"]}},
            "jwt": {"issuer": "https://id.example.org/", "audiences": ["headwater"],
                "jwks": "https://id.example.org/keys"},
        });
        let read = read(&file).unwrap();
        let again = serde_json::to_vec(&read).unwrap();
        assert_eq!(AccessFile::read(&again, &shipped()).unwrap(), read);
        let jwt = read.jwt.unwrap();
        assert_eq!((jwt.roles_claim.as_str(), jwt.leeway_seconds), ("roles", 60));
        assert_eq!(jwt.algorithms.len(), 3);
        assert!(AccessFile::read(b"{}", &shipped()).unwrap().keys.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let with = |field: &str, value: Value| {
            let mut key = key();
            key[field] = value;
            read(&json!({"keys": [key]})).unwrap_err()
        };
        let jwt = |field: &str, value: Value| {
            let mut jwt = json!({"issuer": "i", "audiences": ["a"], "jwks": "keys.json"});
            jwt[field] = value;
            read(&json!({"jwt": jwt})).unwrap_err()
        };
        let twice = key();
        for (said, expected) in [
            (read(&json!({"key": []})).unwrap_err(), "/key is no field here"),
            (read(&json!({"keys": [twice, twice]})).unwrap_err(), "two keys have the id"),
            (with("id", json!("A")), "/keys/0/id: the id of a key is"),
            (with("hash", json!("hw_a_b")), "/keys/0/hash: the hash of a key is argon2id"),
            (with("name", json!("")), "the name of the key"),
            (with("name", json!("a\nb")), "the name of the key"),
            (with("roles", json!(["boss"])), "has the role \"boss\"; there is admin"),
            (with("expires", json!("soon")), "/keys/0/expires"),
            (
                read(&json!({"roles": {"shop": {"commands": ["design.quote"]}}})).unwrap_err(),
                "/roles/shop/commands/0: \"design.quote\" is no pattern: 3 tokens",
            ),
            (jwt("issuer", json!("")), "/jwt/issuer is empty"),
            (jwt("audiences", json!([])), "/jwt/audiences has nothing"),
            (jwt("algorithms", json!([])), "/jwt/algorithms has nothing"),
            (jwt("algorithms", json!(["HS256"])), "/jwt/algorithms/0: expected one of"),
            (jwt("algorithms", json!(["none"])), "/jwt/algorithms/0: expected one of"),
            (jwt("leeway_seconds", json!(86_400)), "/jwt/leeway_seconds"),
            (jwt("jwks", json!("http://id.example.org/keys")), "/jwt/jwks is the path"),
            (jwt("jwks", json!("ftp://id.example.org/keys")), "/jwt/jwks is the path"),
        ] {
            assert!(said.contains(expected), "{said:?} has no {expected:?}");
        }
    }
}
