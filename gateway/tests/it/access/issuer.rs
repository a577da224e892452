//! Somebody who signs tokens, well or not.

use std::{fs, path::Path};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use chrono::Utc;
use gateway::access::{AccessFile, Issuer};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _};
use serde_json::{Value, json};

/// PKCS #1, made for these tests and used nowhere else.
const RSA: &str = include_str!("rsa.base64");

/// A key pair of one algorithm.
pub(super) struct Signer {
    pub(super) id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    /// The public half as a JWK.
    pub(super) public: Value,
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(super) fn es256(id: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let (x, y) = pair.der_bytes()[1..].split_at(32);
        let public =
            json!({"kty": "EC", "crv": "P-256", "kid": id, "x": encoded(x), "y": encoded(y)});
        let key = EncodingKey::from_ec_der(pair.serialized_der());
        Self { id, algorithm: Algorithm::ES256, key, public }
    }

    pub(super) fn eddsa(id: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let x = encoded(pair.der_bytes());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x});
        let key = EncodingKey::from_ed_der(pair.serialized_der());
        Self { id, algorithm: Algorithm::EdDSA, key, public }
    }

    pub(super) fn rs256(id: &'static str) -> Self {
        let key = EncodingKey::from_rsa_der(&rsa());
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
        let mut public = serde_json::to_value(jwk).unwrap();
        public["kid"] = id.into();
        Self { id, algorithm: Algorithm::RS256, key, public }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.id, claims)
    }

    pub(super) fn sign_as(&self, id: &str, claims: &Value) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }

    /// A token that the public half of this key "signs" as if it were a shared secret.
    pub(super) fn confused(&self, secret: &[u8], claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }
}

pub(super) fn rsa() -> Vec<u8> {
    let text: String = RSA.split_whitespace().collect();
    BASE64_STANDARD.decode(text).unwrap()
}

/// A token with any header and no good signature.
pub(super) fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let [header, claims] = [header, claims].map(|part| encoded(part.to_string().as_bytes()));
    format!("{header}.{claims}.{signature}")
}

pub(super) fn set(path: &Path, keys: &[&Value]) {
    let draft = path.with_extension("draft");
    fs::write(&draft, json!({ "keys": keys }).to_string()).unwrap();
    fs::rename(draft, path).unwrap();
}

pub(super) fn trusting(jwks: &str) -> AccessFile {
    let issuer: Issuer = serde_json::from_value(json!({
        "issuer": "https://id.example.org/", "audiences": ["headwater"], "jwks": jwks,
        "leeway_seconds": 5,
    }))
    .unwrap();
    AccessFile { jwt: Some(issuer), ..AccessFile::default() }
}

/// What a good token says.
pub(super) fn claims() -> Value {
    json!({
        "iss": "https://id.example.org/", "aud": "headwater", "sub": "ada",
        "exp": Utc::now().timestamp() + 300, "nbf": Utc::now().timestamp() - 300,
        "roles": ["payments", "unknown"],
    })
}

/// The same with one claim changed; taken away, where it is null.
pub(super) fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    claims
}
