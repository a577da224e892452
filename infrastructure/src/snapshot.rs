//! Snapshots of aggregates in the bucket `SNAPSHOTS`: they save reading a long history.
//! Losing them all costs time and nothing else, so no failure of theirs reaches a command.
//!
//! Not here: when one is taken.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        self,
        context::KeyValueError,
        kv::{self, Operation, UpdateErrorKind},
    },
};
use bytes::Bytes;
use kit::{Position, Version};
use nats::{limits::SNAPSHOT_BYTES_MAX, names};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::store::StreamKey;

/// A load does not wait longer: reading the history instead takes tens of milliseconds.
const GET_WAIT: Duration = Duration::from_millis(500);
/// Nobody waits for a snapshot to be stored, but the task that stores it must end.
const PUT_WAIT: Duration = Duration::from_secs(2);
/// Tries when another instance stores a snapshot of the same aggregate at the same time.
const PUT_TRIES_MAX: usize = 3;

/// An aggregate as it was at one commit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Number of the state's shape.
    pub state_schema: u32,
    /// The aggregate's version.
    pub version: Version,
    /// The last commit in it.
    pub position: Position,
    /// The state.
    pub state: Box<RawValue>,
    /// The receipts of the commands that it has carried out.
    pub receipts: Box<RawValue>,
}

/// Why an aggregate has no newer snapshot now. For tests and counters; nobody has to act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is stored.
    Stored,
    /// One that is as new or newer was there, and stays.
    Older,
    /// It is larger than the limit.
    TooLarge,
    /// The bucket did not take it.
    Failed,
}

/// The snapshots of all aggregates.
#[derive(Debug, Clone)]
pub struct Snapshots(kv::Store);

impl Snapshots {
    /// The bucket, which must be there.
    ///
    /// # Errors
    /// If it is not, or the server does not answer.
    pub async fn open(client: &Client) -> Result<Self, KeyValueError> {
        let context = jetstream::new(client.clone());
        context.get_key_value(names::SNAPSHOTS).await.map(Self)
    }

    /// The snapshot of `key`, if there is one with the shape `state_schema`.
    pub async fn get(&self, key: &StreamKey, state_schema: u32) -> Option<Snapshot> {
        let (snapshot, _) = match timeout(GET_WAIT, self.find(key)).await {
            Ok(found) => found?,
            Err(_) => {
                warn!(%key, "the snapshot does not come in time");
                return None;
            }
        };
        snapshot.filter(|snapshot| snapshot.state_schema == state_schema)
    }

    /// Stores `snapshot`, unless it is too large or one that is as new is there.
    pub async fn put(&self, key: &StreamKey, snapshot: &Snapshot) -> Put {
        let Ok(value) = serde_json::to_vec(snapshot) else { return Put::Failed };
        if value.len() > SNAPSHOT_BYTES_MAX {
            warn!(%key, bytes = value.len(), "the snapshot is too large");
            return Put::TooLarge;
        }
        timeout(PUT_WAIT, self.replace(key, newness(snapshot), value.into())).await.unwrap_or_else(
            |_| {
                warn!(%key, "the snapshot is not stored in time");
                Put::Failed
            },
        )
    }

    async fn replace(&self, key: &StreamKey, ours: Newness, value: Bytes) -> Put {
        for _ in 0..PUT_TRIES_MAX {
            let Some((stored, revision)) = self.find(key).await else { return Put::Failed };
            if stored.is_some_and(|stored| newness(&stored) >= ours) {
                return Put::Older;
            }
            match self.0.update(key.to_string(), value.clone(), revision).await {
                Ok(_) => return Put::Stored,
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                    debug!(%key, "another snapshot was stored at the same time");
                }
                Err(error) => {
                    warn!(%key, %error, "the snapshot is not stored");
                    return Put::Failed;
                }
            }
        }
        Put::Failed
    }

    /// What stands under `key`, and the revision that an update must name. `None`: it cannot be
    /// told. A value that cannot be read counts as none, and may be replaced.
    async fn find(&self, key: &StreamKey) -> Option<(Option<Snapshot>, u64)> {
        match self.0.entry(key.to_string()).await {
            Ok(None) => Some((None, 0)),
            Ok(Some(entry)) if entry.operation != Operation::Put => Some((None, entry.revision)),
            Ok(Some(entry)) => {
                let snapshot = serde_json::from_slice(&entry.value)
                    .inspect_err(|error| warn!(%key, %error, "the snapshot is not readable"));
                Some((snapshot.ok(), entry.revision))
            }
            Err(error) => {
                warn!(%key, %error, "the snapshot cannot be read");
                None
            }
        }
    }
}

type Newness = (Position, u32);

/// Two shapes of the same position are no rivals: the higher number is the newer code's.
const fn newness(snapshot: &Snapshot) -> Newness {
    (snapshot.position, snapshot.state_schema)
}
