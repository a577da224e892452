//! The keys under which data keys are kept. The newest wraps, each of them unwraps.
//! Not here: where they come from.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{XChaCha20Poly1305, aead::KeyInit as _};
use kit::Secret;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::data_key::{NoRandom, decrypt, encrypt, hex};
use crate::store::StreamKey;

/// What a master key is told from others by; part of the wire.
const NAMED: &str = "headwater.master-key.id";
/// What one is derived from a service's secret by; part of the wire.
const DERIVED: &str = "headwater.master-key";
/// Bytes of the digest in a name.
const ID_BYTES: usize = 8;

/// One master key.
#[derive(Clone)]
struct Master {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Master {
    fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(NAMED).chain_update([0]).chain_update(key);
        let digest: [u8; 32] = digest.finalize().into();
        let id = hex(digest.get(..ID_BYTES).unwrap_or_default());
        Self { id, cipher: XChaCha20Poly1305::new(key.into()) }
    }
}

/// A service's master keys, the newest first. Never printed, but for their names.
#[derive(Clone)]
pub struct MasterKeys {
    newest: Arc<Master>,
    others: Arc<[Master]>,
}

impl MasterKeys {
    /// `newest`, which wraps from now on, and `others`, of which some data keys may still be.
    #[must_use]
    pub fn new(newest: &[u8; 32], others: &[[u8; 32]]) -> Self {
        let others = others.iter().map(Master::new).collect();
        Self { newest: Arc::new(Master::new(newest)), others }
    }

    /// The one that follows from a service's secret, where it has no file of its own.
    #[must_use]
    pub fn derived(secret: &Secret) -> Self {
        Self::new(&Zeroizing::new(secret.digest(DERIVED, b"")), &[])
    }

    /// These, and as the last the one that follows from the service's secret: it may have wrapped with
    /// that before it had a file.
    #[must_use]
    pub fn and_derived(self, secret: &Secret) -> Self {
        let derived = Zeroizing::new(secret.digest(DERIVED, b""));
        let others = self.others.iter().cloned().chain([Master::new(&derived)]).collect();
        Self { others, ..self }
    }

    /// The name of the one that wraps: it says nothing of the key.
    #[must_use]
    pub fn newest(&self) -> &str {
        &self.newest.id
    }

    /// Whether there is one of that name.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: &str) -> Option<&Master> {
        std::iter::once(&*self.newest).chain(&*self.others).find(|master| master.id == id)
    }

    /// The data key `name` of `key`, wrapped by the newest.
    pub(super) fn wrap(
        &self,
        bytes: &[u8; 32],
        key: &StreamKey,
        name: &str,
    ) -> Result<String, NoRandom> {
        encrypt(&self.newest.cipher, bytes, &place(key, name)).map(|wrapped| BASE64.encode(wrapped))
    }

    /// What was wrapped by the master key `master`; none if this is not it.
    pub(super) fn unwrap(
        &self,
        wrapped: &str,
        master: &str,
        key: &StreamKey,
        name: &str,
    ) -> Option<Zeroizing<[u8; 32]>> {
        let sealed = BASE64.decode(wrapped).ok()?;
        let plain = decrypt(&self.find(master)?.cipher, &sealed, &place(key, name))?;
        plain.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

/// Where a wrapped key belongs. It unwraps nowhere else.
fn place(key: &StreamKey, name: &str) -> Vec<u8> {
    ["headwater/wrapped/1", &key.aggregate, key.id.as_str(), name].join("\0").into_bytes()
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&*self.newest).chain(&*self.others).map(|master| &master.id);
        f.debug_list().entries(ids).finish()
    }
}
