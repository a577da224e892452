//! A set of public keys (RFC 7517), of which those are kept that may sign tokens.
//! Not here: where it comes from.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::access::file::TokenAlgorithm;

/// Keys of one set at most.
const KEYS_MAX: usize = 100;
/// The bytes of an RSA modulus: NIST SP 800-131A takes none below 2048 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// Why a set is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSet {
    #[error("it is no JWKS")]
    Form,
    #[error("it has more than {KEYS_MAX} keys")]
    Large,
    #[error("it has no key that may sign tokens with an algorithm that is taken")]
    Empty,
}

/// Keys that may sign tokens.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Signing>);

#[derive(Debug)]
struct Signing {
    id: Option<String>,
    algorithm: TokenAlgorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Set {
    // One by one, so that a key of a kind that nobody knows yet does not hide the others.
    keys: Vec<Value>,
}

impl KeySet {
    pub(super) fn read(text: &[u8]) -> Result<Self, BadSet> {
        let set: Set = serde_json::from_slice(text).map_err(|_| BadSet::Form)?;
        if set.keys.len() > KEYS_MAX {
            return Err(BadSet::Large);
        }
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        let keys: Vec<_> = keys.filter_map(|key: Jwk| signing(&key)).collect();
        if keys.is_empty() { Err(BadSet::Empty) } else { Ok(Self(keys)) }
    }

    /// The key `id` for `algorithm`; without an id, the only key for it.
    pub(super) fn find(&self, id: Option<&str>, algorithm: TokenAlgorithm) -> Option<DecodingKey> {
        let fits = |key: &&Signing| {
            key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id)
        };
        let mut found = self.0.iter().filter(fits);
        let first = found.next()?;
        found.next().is_none().then(|| first.key.clone())
    }
}

/// The key, if it may sign tokens. Its kind alone decides with which algorithm, never the token: so a
/// public key is never taken for a shared secret.
fn signing(jwk: &Jwk) -> Option<Signing> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let operations = common.key_operations.as_ref();
    if operations.is_some_and(|listed| !listed.contains(&KeyOperations::Verify)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = BASE64_URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
            RSA_BYTES.contains(&modulus.len()).then_some(())?;
            (TokenAlgorithm::Rs256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (TokenAlgorithm::Es256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (TokenAlgorithm::EdDsa, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if common.key_algorithm.is_some_and(|given| given != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Signing { id: common.key_id.clone(), algorithm, key })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ed(id: &str) -> Value {
        // The public key of RFC 8037, appendix A.2.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x})
    }

    fn read(keys: &[Value]) -> Result<KeySet, BadSet> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn a_key_is_found_by_its_id_and_the_only_one_without() {
        let one = read(&[ed("a")]).unwrap();
        assert!(one.find(Some("a"), TokenAlgorithm::EdDsa).is_some());
        assert!(one.find(Some("b"), TokenAlgorithm::EdDsa).is_none());
        assert!(one.find(Some("a"), TokenAlgorithm::Rs256).is_none());
        assert!(one.find(None, TokenAlgorithm::EdDsa).is_some());
        let two = read(&[ed("a"), ed("b")]).unwrap();
        assert!(two.find(None, TokenAlgorithm::EdDsa).is_none());
        let same = read(&[ed("a"), ed("a")]).unwrap();
        assert!(same.find(Some("a"), TokenAlgorithm::EdDsa).is_none());
    }

    #[test]
    fn keys_that_must_not_sign_are_left_out() {
        let with = |field: &str, value: Value| {
            let mut key = ed("a");
            key[field] = value;
            read(&[key]).err()
        };
        for wrong in [
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("alg", json!("ES256")),
            with("crv", json!("X25519")),
            read(&[json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0"})]).err(),
            read(&[json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"})]).err(),
            read(&[json!({"kty": "EC", "crv": "P-384", "kid": "a", "x": "AA", "y": "AA"})]).err(),
            read(&[json!({"kty": "quantum", "kid": "a"})]).err(),
            read(&[]).err(),
        ] {
            assert_eq!(wrong, Some(BadSet::Empty));
        }
        assert!(with("use", json!("sig")).is_none());
        assert!(with("key_ops", json!(["verify"])).is_none());
        assert!(read(&[json!({"kty": "quantum"}), ed("a")]).is_ok());
    }

    #[test]
    fn what_is_no_set_is_refused() {
        assert_eq!(KeySet::read(b"<html>").err(), Some(BadSet::Form));
        assert_eq!(KeySet::read(b"{\"keys\":{}}").err(), Some(BadSet::Form));
        let many: Vec<_> = (0..101).map(|number| ed(&number.to_string())).collect();
        assert_eq!(read(&many).err(), Some(BadSet::Large));
    }
}
