//! Tokens: JSON Web Tokens of one issuer, signed by a key of its set.
//! Not here: where the set comes from.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::{
    file::{Issuer, TokenAlgorithm},
    jwks::{Jwks, NoKeys},
};

/// Longest token in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Longest subject in bytes: it is stored with every event.
const SUBJECT_BYTES_MAX: usize = 256;
/// How subjects of API keys begin, which no token may have.
pub(super) const KEY_SUBJECT: &str = "key:";
/// Roles of one token at most.
const ROLES_MAX: usize = 64;

/// Whose tokens are taken, and the keys they are signed with.
#[derive(Debug)]
pub(super) struct Tokens {
    issuer: Issuer,
    jwks: Jwks,
}

/// What a token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) subject: String,
    pub(super) roles: Vec<String>,
    /// When it expires, with the leeway.
    pub(super) until: DateTime<Utc>,
}

/// Why a token is not taken. What it holds is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadToken {
    #[error("the token cannot be read")]
    Unreadable,
    #[error("the token's algorithm is not taken here")]
    Algorithm,
    #[error("the token says that it must be understood in a way that it is not")]
    Critical,
    #[error("the token is signed with a key that is not known")]
    Key,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    Early,
    #[error("the token comes from somebody else")]
    Issuer,
    #[error("the token is for somebody else")]
    Audience,
    #[error("the token lacks a claim, or has one in another form: it needs iss, aud, sub and exp")]
    Claims,
    #[error("the token's subject cannot be a user here")]
    Subject,
    /// Nobody knows whether it is good.
    #[error("the keys of the tokens' issuer are away")]
    Away,
}

impl Tokens {
    pub(super) fn new(issuer: Issuer) -> Self {
        let jwks = Jwks::new(&issuer);
        Self { issuer, jwks }
    }

    pub(super) const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What `token` says, if it was signed for this service.
    ///
    /// Checking a signature takes a fraction of a millisecond, so it is done in place.
    pub(super) async fn verify(&self, token: &str) -> Result<Said, BadToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(BadToken::Unreadable);
        }
        let header = decode_header(token).map_err(|error| bad(&error))?;
        // RFC 7515, section 4.1.11: what must be understood, and is not, is refused.
        if header.crit.is_some() {
            return Err(BadToken::Critical);
        }
        let algorithm = TokenAlgorithm::of(header.alg).ok_or(BadToken::Algorithm)?;
        if !self.issuer.algorithms.contains(&algorithm) {
            return Err(BadToken::Algorithm);
        }
        let key = self.jwks.find(header.kid.as_deref(), algorithm).await;
        let key = key.map_err(|NoKeys| BadToken::Away)?.ok_or(BadToken::Key)?;
        let claims = decode::<Map<String, Value>>(token, &key, &self.validation(header.alg));
        self.said(&claims.map_err(|error| bad(&error))?.claims)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.issuer.leeway_seconds;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer.issuer]);
        validation.set_audience(&self.issuer.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }

    fn said(&self, claims: &Map<String, Value>) -> Result<Said, BadToken> {
        // A list of issuers that has ours in it would have been let through.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer.issuer) {
            return Err(BadToken::Issuer);
        }
        let subject = claims.get("sub").and_then(Value::as_str).ok_or(BadToken::Claims)?;
        let length = 1..=SUBJECT_BYTES_MAX;
        if !length.contains(&subject.len())
            || subject.chars().any(char::is_control)
            || subject.starts_with(KEY_SUBJECT)
        {
            return Err(BadToken::Subject);
        }
        let until = self.until(claims).ok_or(BadToken::Claims)?;
        Ok(Said { subject: subject.to_owned(), roles: self.roles(claims), until })
    }

    /// When it expires; fractions of a second are allowed, and cut. So far ahead that no date can say
    /// it is never.
    fn until(&self, claims: &Map<String, Value>) -> Option<DateTime<Utc>> {
        let exp = claims.get("exp")?;
        let whole = || Some(Duration::try_from_secs_f64(exp.as_f64()?).ok()?.as_secs());
        let seconds = exp.as_u64().or_else(whole)?.saturating_add(self.issuer.leeway_seconds);
        let until = DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX), 0);
        Some(until.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    /// The words of the roles' claim. Another form of it grants nothing.
    fn roles(&self, claims: &Map<String, Value>) -> Vec<String> {
        let claim = &self.issuer.roles_claim;
        let found = match claim.strip_prefix('/') {
            None => claims.get(claim),
            Some(path) => {
                let mut tokens = path.split('/').map(|token| token.replace("~1", "/"));
                let first = tokens.next().and_then(|name| claims.get(&name.replace("~0", "~")));
                tokens.fold(first, |value, name| value?.get(name.replace("~0", "~")))
            }
        };
        let words: Vec<&str> = match found {
            Some(Value::String(words)) => words.split_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        words.into_iter().take(ROLES_MAX).map(str::to_owned).collect()
    }
}

impl TokenAlgorithm {
    const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::RS256 => Some(Self::Rs256),
            Algorithm::ES256 => Some(Self::Es256),
            Algorithm::EdDSA => Some(Self::EdDsa),
            _ => None,
        }
    }
}

fn bad(error: &jsonwebtoken::errors::Error) -> BadToken {
    use jsonwebtoken::errors::ErrorKind as Kind;
    match error.kind() {
        Kind::InvalidSignature => BadToken::Signature,
        Kind::ExpiredSignature => BadToken::Expired,
        Kind::ImmatureSignature => BadToken::Early,
        Kind::InvalidIssuer => BadToken::Issuer,
        Kind::InvalidAudience => BadToken::Audience,
        Kind::MissingRequiredClaim(_) | Kind::InvalidClaimFormat(_) => BadToken::Claims,
        Kind::InvalidAlgorithm
        | Kind::InvalidAlgorithmName
        | Kind::MissingAlgorithm
        | Kind::UnsupportedAlgorithm => BadToken::Algorithm,
        Kind::InvalidKeyFormat | Kind::InvalidEcdsaKey | Kind::InvalidEddsaKey => BadToken::Key,
        _ => BadToken::Unreadable,
    }
}
