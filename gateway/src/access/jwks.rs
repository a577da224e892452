//! The keys that tokens are signed with: read from a file or an address, kept while that is away,
//! and read again when a token names one that is not there, but not more often than is good.
//! Not here: tokens.

mod key_set;
mod source;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::DecodingKey;
use tokio::sync::{Mutex, watch};

use self::{key_set::KeySet, source::Source};
use super::file::{Issuer, TokenAlgorithm};

/// Nothing was read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKeys;

/// One set of keys, and where it comes from. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Jwks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Source,
    known: watch::Sender<Known>,
    /// When it was last tried to read them; held by whoever reads.
    tried: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// When to read them again.
    until: Option<Instant>,
}

impl Jwks {
    pub(super) fn new(issuer: &Issuer) -> Self {
        let source = Source::new(issuer);
        let (known, _) = watch::channel(Known::default());
        Self(Arc::new(Shared { source, known, tried: Mutex::new(None) }))
    }

    /// The key `id` for `algorithm`; without an id, the only key for it.
    ///
    /// # Errors
    /// If the keys were never read, because their source is away.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: TokenAlgorithm,
    ) -> Result<Option<DecodingKey>, NoKeys> {
        let known = self.0.known.borrow().clone();
        if let Some(keys) = known.keys
            && let Some(key) = keys.find(id, algorithm)
        {
            if known.until.is_none_or(|until| until <= Instant::now()) {
                // The key may have been taken back: nobody waits for that, but it is found out.
                let jwks = self.clone();
                tokio::spawn(async move { jwks.0.refresh(None).await });
            }
            return Ok(Some(key));
        }
        let seen = self.0.known.borrow().until;
        self.0.refresh(Some(seen)).await;
        let known = self.0.known.borrow().keys.clone().ok_or(NoKeys)?;
        Ok(known.find(id, algorithm))
    }
}

impl Shared {
    /// Reads the keys again, unless that was tried just now. Who needs what comes of it has `seen`
    /// what there is and waits; others leave it to whoever does it already.
    async fn refresh(&self, seen: Option<Option<Instant>>) {
        let tried = match seen {
            Some(_) => Some(self.tried.lock().await),
            None => self.tried.try_lock().ok(),
        };
        let Some(mut tried) = tried else { return };
        let others_did = seen.is_some_and(|seen| self.known.borrow().until != seen);
        let too_soon = tried.is_some_and(|at| at.elapsed() < self.source.pause());
        if others_did || too_soon {
            return;
        }
        *tried = Some(Instant::now());
        match self.source.read().await {
            Ok(keys) => {
                let until = Instant::now() + self.source.age();
                self.known.send_replace(Known { keys: Some(Arc::new(keys)), until: Some(until) });
            }
            Err(error) => tracing::warn!(
                source = %self.source, %error,
                "the keys that tokens are signed with could not be read; what was known is kept"
            ),
        }
    }
}

/// How long keys are kept before they are looked for again, and how often they are at most.
#[derive(Debug, Clone, Copy)]
struct Pace {
    age: Duration,
    pause: Duration,
}
