//! What a decision may know besides the state: time, ids, the actor and a keyed digest.
//! Not here: a clock or a random source; the caller fills the context in.

use std::{cell::Cell, fmt};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::{AggregateId, CommandId};

/// On whose behalf a command comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user, if the caller named one.
    pub user: Option<String>,
}

/// The service's key for codes that must be checkable and not guessable. Never printed.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret from 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 (RFC 2104) over `purpose`, a zero byte, and `message`.
    #[must_use]
    pub fn digest(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        // RFC 2104 pads a short key with zeros to the block size, 64 bytes for SHA-256.
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The world as one decision sees it. Deciding again with the same context decides the same.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time of the decision.
    pub now: DateTime<Utc>,
    /// On whose behalf.
    pub actor: Actor,
    aggregate: Option<AggregateId>,
    command: CommandId,
    secret: Secret,
    ids: Cell<u32>,
}

/// Namespace of the ids that a decision makes. Part of the wire: a repeat must make the same ids.
const MADE: Uuid = Uuid::from_u128(0x1b0d_39aa_52a5_5b0e_8f6a_0c6f_5b7e_11d5);

impl Context {
    /// The context of the command `command`.
    #[must_use]
    pub fn new(now: DateTime<Utc>, actor: Actor, command: CommandId, secret: Secret) -> Self {
        Self { now, actor, aggregate: None, command, secret, ids: Cell::new(0) }
    }

    /// The same context for the aggregate `id`: a rule such as "not oneself" needs to know.
    #[must_use]
    pub fn about(mut self, id: AggregateId) -> Self {
        self.aggregate = Some(id);
        self
    }

    /// Which aggregate decides, if the caller said so.
    #[must_use]
    pub const fn aggregate_id(&self) -> Option<&AggregateId> {
        self.aggregate.as_ref()
    }

    /// The next new id: UUIDv5 of the command id and a counter, so that deciding the same command
    /// again after a conflict makes the same ids.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let ordinal = self.ids.replace(self.ids.get() + 1);
        Uuid::new_v5(&MADE, format!("{}:{ordinal}", self.command).as_bytes())
    }

    /// [`Secret::digest`] with the service's key.
    #[must_use]
    pub fn digest(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.secret.digest(purpose, message)
    }
}
