//! The data keys of all aggregates, in the bucket `KEYS`: each wrapped by a master key, or destroyed.
//! What is read is kept for [`AGE_MAX`] and no longer, so that no instance uses a key that was destroyed
//! longer ago than that. Not here: what is sealed under them.

mod rewrap;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{Client, jetstream};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kit::AggregateId;
use nats::names;
use serde::{Deserialize, Serialize};
use tokio::{sync::OnceCell, time::Instant};
use zeroize::Zeroizing;

pub use self::rewrap::Wrapped;
use super::{
    DataKey, MasterKeys, commit,
    fingerprint::{self, Newest},
};
use crate::{
    handler::{Cell, CellError},
    store::StreamKey,
};

/// How long a key is used without asking again.
pub(super) const AGE_MAX: Duration = Duration::from_secs(30);
/// Most keys kept at once.
const KEPT_MAX: usize = 10_000;
/// Tries when others write the same key at the same time.
const TRIES_MAX: usize = 10;

/// What is known of an aggregate's key.
#[derive(Debug, Clone)]
pub(crate) enum Hold {
    /// It is here.
    Key(Arc<DataKey>),
    /// It is gone for good.
    Destroyed,
}

/// The same, for as long as it may be relied on.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) hold: Hold,
    since: Instant,
}

impl Held {
    fn new(hold: Hold) -> Self {
        Self { hold, since: Instant::now() }
    }

    /// Whether it may still be relied on. What is destroyed stays destroyed.
    pub(crate) fn is_valid(&self) -> bool {
        matches!(self.hold, Hold::Destroyed) || self.since.elapsed() < AGE_MAX
    }
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bucket does not answer, or does not have it yet. It may later.
    #[error("{0}")]
    Away(String),
    /// What is there cannot be used: an operator has to see to it.
    #[error("{0}")]
    Unusable(String),
}

/// A value of the bucket.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Wrapped {
        /// The key's name.
        key: String,
        /// The master key that wraps it.
        master: String,
        wrapped: String,
        made: DateTime<Utc>,
    },
    Destroyed {
        destroyed: DateTime<Utc>,
    },
}

/// The data keys of all aggregates. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    client: Client,
    masters: MasterKeys,
    bucket: OnceCell<async_nats::jetstream::kv::Store>,
    newest: OnceCell<Cell<Newest>>,
    kept: Mutex<HashMap<StreamKey, Held>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("masters", &self.0.masters).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys behind `client`, wrapped by `masters`. The bucket is looked for when it is needed.
    #[must_use]
    pub fn new(client: Client, masters: MasterKeys) -> Self {
        let (bucket, newest, kept) = (OnceCell::new(), OnceCell::new(), Mutex::default());
        Self(Arc::new(Inner { client, masters, bucket, newest, kept }))
    }

    /// The key of `key`, or that it is destroyed.
    ///
    /// # Errors
    /// [`KeyError`]. That there is none where something is sealed is never taken for destroyed.
    pub(crate) async fn find(&self, key: &StreamKey) -> Result<Held, KeyError> {
        if let Some(held) = self.kept(key) {
            return Ok(held);
        }
        let (stored, _) = self.cell(key).await?.read().await.map_err(away)?;
        let stored = stored.ok_or_else(|| {
            KeyError::Away(format!("the bucket {} has no key of {key}", names::KEYS))
        })?;
        Ok(self.keep(key, self.unwrapped(key, stored)?))
    }

    /// The same, and a new key where there is none yet.
    ///
    /// # Errors
    /// [`KeyError`]; `Away` also while another instance wraps with a newer master key.
    pub(crate) async fn obtain(&self, key: &StreamKey) -> Result<Held, KeyError> {
        if let Some(held) = self.kept(key) {
            return Ok(held);
        }
        let cell = self.cell(key).await?;
        for _ in 0..TRIES_MAX {
            let (stored, revision) = cell.read().await.map_err(away)?;
            if let Some(stored) = stored {
                return Ok(self.keep(key, self.unwrapped(key, stored)?));
            }
            self.wraps_by_newest().await?;
            let unusable = |error: &dyn fmt::Display| KeyError::Unusable(error.to_string());
            let (new, bytes) = DataKey::generate().map_err(|error| unusable(&error))?;
            let wrapped = self.0.masters.wrap(&bytes, key, new.id());
            let stored = Stored::Wrapped {
                key: new.id().to_owned(),
                master: self.0.masters.newest().to_owned(),
                wrapped: wrapped.map_err(|error| unusable(&error))?,
                made: Utc::now(),
            };
            match cell.write(&stored, revision).await {
                Ok(_) => return Ok(self.keep(key, Hold::Key(Arc::new(new)))),
                // Whoever was first has made the key.
                Err(CellError::Conflict) => {}
                Err(error) => return Err(away(error)),
            }
        }
        Err(KeyError::Away(format!("others write the key of {key} all the time")))
    }

    /// Once an instance wraps with a newer master key, the older ones may be thrown away at any time, and
    /// what they wrap with them.
    async fn wraps_by_newest(&self) -> Result<(), KeyError> {
        let cell = || fingerprint::cell(&self.0.client);
        let cell = self.0.newest.get_or_try_init(cell).await;
        let (found, _) =
            cell.map_err(|problem| KeyError::Away(problem.detail))?.read().await.map_err(away)?;
        match found {
            Some(found) if found.master != self.0.masters.newest() => Err(KeyError::Away(format!(
                "the instance {} wraps new keys with the master key {}; start this one with it as the first",
                found.instance, found.master
            ))),
            _ => Ok(()),
        }
    }

    /// Destroys the key of `key` for good: its bytes are overwritten on the server's disk, and a mark
    /// stands in its place, so that nobody makes another one. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`KeyError::Away`], and then it is to be tried again.
    pub async fn destroy(&self, aggregate: &str, id: &AggregateId) -> Result<(), KeyError> {
        let key = StreamKey { aggregate: aggregate.into(), id: id.clone() };
        let cell = self.cell(&key).await?;
        for _ in 0..TRIES_MAX {
            let (stored, revision) = cell.read().await.map_err(away)?;
            if matches!(stored, Some(Stored::Destroyed { .. })) {
                self.keep(&key, Hold::Destroyed);
                return Ok(());
            }
            if stored.is_some() {
                // First, so that the server overwrites it: a value that is only followed by another
                // stays on the disk until its block is compacted.
                let deleted = self.bucket().await?.stream.delete_message(revision).await;
                deleted.map_err(|error| KeyError::Away(error.to_string()))?;
            }
            let mark = Stored::Destroyed { destroyed: Utc::now() };
            let revision = if stored.is_some() { 0 } else { revision };
            match cell.write(&mark, revision).await {
                Ok(_) | Err(CellError::Conflict) => {}
                Err(error) => return Err(away(error)),
            }
        }
        Err(KeyError::Away(format!("others write the key of {key} all the time")))
    }

    /// `body` with what is sealed in it opened, or gone if its key is destroyed; none if nothing is.
    /// What does not open stays sealed; the log says why.
    ///
    /// # Errors
    /// [`KeyError::Away`].
    pub async fn opened(
        &self,
        aggregate: &str,
        id: &AggregateId,
        body: &[u8],
    ) -> Result<Option<Bytes>, KeyError> {
        if !commit::is_sealed(body) {
            return Ok(None);
        }
        let key = StreamKey { aggregate: aggregate.into(), id: id.clone() };
        let found = self.find(&key).await.and_then(|held| {
            let opened = commit::open(body, &held.hold, (aggregate, id.as_str()));
            opened.map_err(|bad| KeyError::Unusable(bad.to_string()))
        });
        match found {
            Ok(opened) => Ok(Some(opened)),
            Err(KeyError::Unusable(why)) => {
                self.forget(&key);
                tracing::error!(stream = %key, "a commit stays sealed: {why}");
                Ok(None)
            }
            Err(away) => Err(away),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    fn unwrapped(&self, of: &StreamKey, stored: Stored) -> Result<Hold, KeyError> {
        let Stored::Wrapped { key, master, wrapped, .. } = stored else {
            return Ok(Hold::Destroyed);
        };
        let bytes = self.bytes(of, (&key, &master, &wrapped))?;
        Ok(Hold::Key(Arc::new(DataKey::new(key, &bytes))))
    }

    /// The data key `name` of `of`, which `master` has wrapped.
    fn bytes(
        &self,
        of: &StreamKey,
        (name, master, wrapped): (&str, &str, &str),
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        if !self.0.masters.has(master) {
            return Err(KeyError::Unusable(format!(
                "the key of {of} is wrapped by the master key {master}, which is not here"
            )));
        }
        self.0.masters.unwrap(wrapped, master, of, name).ok_or_else(|| {
            KeyError::Unusable(format!("the key of {of} is not what {master} has wrapped"))
        })
    }

    async fn cell(&self, key: &StreamKey) -> Result<Cell<Stored>, KeyError> {
        Ok(Cell::new(self.bucket().await?, &key.to_string()))
    }

    async fn bucket(&self) -> Result<&async_nats::jetstream::kv::Store, KeyError> {
        let open = async || {
            let context = jetstream::new(self.0.client.clone());
            context.get_key_value(names::KEYS).await
        };
        let opened = self.0.bucket.get_or_try_init(open).await;
        opened.map_err(|error| KeyError::Away(format!("{} does not answer: {error}", names::KEYS)))
    }

    fn kept(&self, key: &StreamKey) -> Option<Held> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|held| held.is_valid()).cloned()
    }

    fn keep(&self, key: &StreamKey, hold: Hold) -> Held {
        let held = Held::new(hold);
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, held| held.since.elapsed() < AGE_MAX);
        }
        if kept.len() >= KEPT_MAX {
            // They are only read again.
            kept.clear();
        }
        kept.insert(key.clone(), held.clone());
        held
    }

    fn forget(&self, key: &StreamKey) {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn away(error: CellError) -> KeyError {
    match error {
        foreign @ CellError::Foreign { .. } => KeyError::Unusable(foreign.to_string()),
        error => KeyError::Away(error.to_string()),
    }
}
