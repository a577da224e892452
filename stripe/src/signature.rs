//! Whether a webhook comes from Stripe: `Stripe-Signature: t=…,v1=…,v1=…`, each `v1` an HMAC-SHA256 of
//! `"{t}.{body}"` over the body exactly as it came. Not here: reading the body.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::SigningSecrets;

/// The header's name.
pub const HEADER: &str = "stripe-signature";
/// How far the signature's time may be from ours, as in Stripe's own libraries.
///
/// They take any time that is yet to come. Here it counts in both directions: a signature from the
/// future could be played back until then.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Longest header in bytes. One with two signatures has about 150.
const HEADER_BYTES_MAX: usize = 2048;
/// Most signatures that are looked at: Stripe sends one for each secret that is good.
const SIGNATURES_MAX: usize = 8;
/// Bytes of an HMAC-SHA256.
const MAC_BYTES: usize = 32;

/// Why a webhook is not taken for Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It says nothing.
    #[error("there is no Stripe-Signature header")]
    Missing,
    /// It does not say it in Stripe's way.
    #[error("the Stripe-Signature header cannot be read: {0}")]
    Malformed(&'static str),
    /// It was signed with another secret, or changed since.
    #[error("no signature fits the body with the secrets that are good now")]
    Wrong,
    /// It was signed by whom it says, but too far from now.
    #[error("the signature is more than {} s from our clock", TOLERANCE.as_secs())]
    Stale,
}

impl SignatureError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing-signature",
            Self::Malformed(_) => "malformed-signature",
            Self::Wrong => "wrong-signature",
            Self::Stale => "stale-signature",
        }
    }
}

/// Checks that `body` was signed with one of `secrets`, at about `now`. The time is looked at last, so
/// that only who knows a secret is told that it is wrong.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(
    body: &[u8],
    header: Option<&[u8]>,
    secrets: &SigningSecrets,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let signed = Signed::read(header.ok_or(SignatureError::Missing)?)?;
    let mut is_right = false;
    for secret in secrets.iter() {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose());
        let mac = mac.map_err(|_| SignatureError::Wrong)?;
        let mac = mac.chain_update(signed.time_text).chain_update(b".").chain_update(body);
        for signature in &signed.signatures {
            is_right |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    if !is_right {
        return Err(SignatureError::Wrong);
    }
    let tolerance = TimeDelta::from_std(TOLERANCE).map_err(|_| SignatureError::Stale)?;
    let distance = now.signed_duration_since(signed.time).abs();
    if distance > tolerance { Err(SignatureError::Stale) } else { Ok(()) }
}

/// What a header says.
struct Signed<'a> {
    /// The time as it was signed.
    time_text: &'a [u8],
    time: DateTime<Utc>,
    signatures: Vec<[u8; MAC_BYTES]>,
}

impl<'a> Signed<'a> {
    fn read(header: &'a [u8]) -> Result<Self, SignatureError> {
        if header.len() > HEADER_BYTES_MAX {
            return Err(SignatureError::Malformed("it is too long"));
        }
        let (mut time_text, mut signatures) = (None, Vec::new());
        for part in header.split(|byte| *byte == b',') {
            match part.trim_ascii().split_at_checked(2) {
                Some((b"t=", time)) if time_text.replace(time).is_some() => {
                    return Err(SignatureError::Malformed("it has two times"));
                }
                // A signature that is not 64 hexadecimal digits fits nothing.
                Some((b"v1", rest)) => signatures.extend(rest.strip_prefix(b"=").and_then(digits)),
                // Other schemes, such as `v0` of test webhooks, are not ours to judge.
                _ => {}
            }
        }
        if signatures.len() > SIGNATURES_MAX {
            return Err(SignatureError::Malformed("it has too many signatures"));
        }
        let time_text = time_text.ok_or(SignatureError::Malformed("it has no time"))?;
        let time = str::from_utf8(time_text).ok().filter(|text| !text.starts_with('+'));
        let time = time.and_then(|text| text.parse().ok());
        let time = time.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let time = time.ok_or(SignatureError::Malformed("its time is no number of seconds"))?;
        if signatures.is_empty() {
            return Err(SignatureError::Malformed("it has no v1 signature"));
        }
        Ok(Self { time_text, time, signatures })
    }
}

/// The bytes that 64 hexadecimal digits stand for.
fn digits(text: &[u8]) -> Option<[u8; MAC_BYTES]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != MAC_BYTES || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; MAC_BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}
