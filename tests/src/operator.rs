//! An operator of a server's decentralised security: it signs accounts, accounts sign users, and
//! users show credentials files. The tokens are JWT as nats-server reads them (ADR-14, version 2).

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator with a system account and one account for the service.
#[derive(Debug)]
pub struct Operator {
    key: KeyPair,
    system: KeyPair,
    account: KeyPair,
}

impl Operator {
    /// With keys of its own.
    #[must_use]
    pub fn new() -> Self {
        let (system, account) = (KeyPair::new_account(), KeyPair::new_account());
        Self { key: KeyPair::new_operator(), system, account }
    }

    /// What a server that trusts this operator has in its configuration.
    ///
    /// # Panics
    /// When a token cannot be signed.
    #[must_use]
    pub fn config(&self) -> String {
        let own = token(&self.key, "operator", &self.key.public_key(), json!({"type": "operator"}));
        let (system, account) = (self.system.public_key(), self.account.public_key());
        format!(
            "operator: {own}\nresolver: MEMORY\nsystem_account: {system}\n\
             resolver_preload: {{ {system}: {}, {account}: {} }}",
            self.account_token(&system, 0),
            self.account_token(&account, -1),
        )
    }

    /// An account that may use as much of JetStream as `jetstream` says: -1 is everything.
    fn account_token(&self, account: &str, jetstream: i64) -> String {
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1, "mem_storage": jetstream, "disk_storage": jetstream,
            "streams": jetstream, "consumer": jetstream,
        });
        token(&self.key, "account", account, json!({"type": "account", "limits": limits}))
    }

    /// Writes the credentials file of a new user into `folder`.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn credentials(&self, folder: &Path) -> PathBuf {
        let user = KeyPair::new_user();
        let claims =
            json!({"type": "user", "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1});
        let token = token(&self.account, "user", &user.public_key(), claims);
        let seed = user.seed().expect("a seed");
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        let path = folder.join(format!("{}.creds", user.public_key()));
        fs::write(&path, text).expect("the file is written");
        path
    }
}

impl Default for Operator {
    fn default() -> Self {
        Self::new()
    }
}

/// What `issuer` says about `subject`, signed.
fn token(issuer: &KeyPair, name: &str, subject: &str, mut claims: Value) -> String {
    claims["version"] = json!(2);
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let body = json!({
        "jti": subject, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": name,
        "sub": subject, "nats": claims,
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(body));
    let signature = issuer.sign(signed.as_bytes()).expect("a private key");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
