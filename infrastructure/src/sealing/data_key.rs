//! One aggregate's key, and values sealed under it: XChaCha20-Poly1305 with a random nonce each.
//! Not here: where keys are kept.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use zeroize::Zeroizing;

/// Bytes of a nonce: long enough to be drawn at random for ever.
pub(super) const NONCE_BYTES: usize = 24;
/// Random bytes in the name of a key.
const ID_BYTES: usize = 8;

/// The key of one aggregate.
pub(crate) struct DataKey {
    /// Its name: what is sealed says under which key.
    id: String,
    cipher: XChaCha20Poly1305,
}

/// Where a sealed value stands. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The aggregate type.
    pub(crate) aggregate: &'a str,
    /// Which one.
    pub(crate) id: &'a str,
    /// The event, or what else holds it.
    pub(crate) holder: &'a str,
    /// The holder's type.
    pub(crate) kind: &'a str,
    /// The field.
    pub(crate) field: &'a str,
}

impl Place<'_> {
    /// Zero bytes part what cannot hold one: subjects, ids, names of types and fields.
    fn bytes(&self) -> Vec<u8> {
        let Self { aggregate, id, holder, kind, field } = self;
        ["headwater/sealed/1", aggregate, id, holder, kind, field].join("\0").into_bytes()
    }
}

/// The system has no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub(crate) struct NoRandom;

pub(super) fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// It was sealed under another key.
    #[error("it is sealed under the key {found}, the aggregate's is {wanted}")]
    OtherKey {
        /// Its key.
        found: String,
        /// The aggregate's.
        wanted: String,
    },
    /// It is no sealed value, was altered, or was moved from where it was sealed.
    #[error("it is not what was sealed in this place")]
    Altered,
}

impl DataKey {
    /// A new key and its bytes, to be wrapped.
    pub(super) fn generate() -> Result<(Self, Zeroizing<[u8; 32]>), NoRandom> {
        let id: [u8; ID_BYTES] = random()?;
        let bytes = Zeroizing::new(random()?);
        Ok((Self::new(hex(&id), &bytes), bytes))
    }

    pub(super) fn new(id: String, bytes: &[u8; 32]) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(bytes.into()) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// `plain`, sealed in `place`: the key's name, a dot, and nonce and ciphertext.
    pub(crate) fn seal(&self, plain: &[u8], place: &Place<'_>) -> Result<String, NoRandom> {
        let sealed = encrypt(&self.cipher, plain, &place.bytes())?;
        Ok(format!("{}.{}", self.id, BASE64.encode(sealed)))
    }

    /// What was sealed in `place`.
    pub(crate) fn open(
        &self,
        sealed: &str,
        place: &Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (id, text) = sealed.split_once('.').ok_or(Unopened::Altered)?;
        if id != self.id {
            let (found, wanted) = (kit::excerpt(id).into_owned(), self.id.clone());
            return Err(Unopened::OtherKey { found, wanted });
        }
        let bytes = BASE64.decode(text).map_err(|_| Unopened::Altered)?;
        decrypt(&self.cipher, &bytes, &place.bytes()).ok_or(Unopened::Altered)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A random nonce, and `plain` under it with the tag that covers `aad`, too.
pub(super) fn encrypt(
    cipher: &XChaCha20Poly1305,
    plain: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, NoRandom> {
    let nonce: [u8; NONCE_BYTES] = random()?;
    let payload = Payload { msg: plain, aad };
    // The cipher only fails for data larger than any message.
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| NoRandom)?;
    Ok([&nonce[..], &sealed].concat())
}

/// What [`encrypt`] took; none if this is not what it gave for `aad`.
pub(super) fn decrypt(
    cipher: &XChaCha20Poly1305,
    sealed: &[u8],
    aad: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, msg) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad });
    plain.ok().map(Zeroizing::new)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
