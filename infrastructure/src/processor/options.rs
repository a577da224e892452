//! The processor's limits, with their reasons.

use std::time::Duration;

use kit::Secret;

use crate::{sealing::Keys, snapshot::Snapshots};

/// How a processor behaves.
#[derive(Debug, Clone)]
pub struct ProcessorOptions {
    /// The key for [`kit::Context::digest`].
    pub secret: Secret,
    /// Most commands accepted and not yet answered; beyond it the answer is `busy`. At 60,000
    /// commands a second this is an eighth of a second's work.
    pub queue_max: usize,
    /// Most bytes of the bodies of those commands; beyond it the answer is `busy`. They are small,
    /// and a few large ones must not add up.
    pub queue_bytes_max: usize,
    /// Most commands that wait on one aggregate; beyond it the answer is `busy`. A part of
    /// [`Self::queue_max`], so that one aggregate cannot keep the others out.
    pub per_aggregate_queue_max: usize,
    /// Most aggregates kept while nothing waits on them.
    pub cache_max: usize,
    /// Most bytes of the states of those aggregates, as JSON, and of their receipts, about 180
    /// each. An aggregate with more than that is loaded again for each of its commands.
    pub cache_bytes_max: usize,
    /// Most commands that are decided together.
    pub batch_max: usize,
    /// How often a command is decided again because another writer won.
    pub conflict_retries_max: u32,
    /// Most reads under way at once.
    pub reads_max: usize,
    /// How long one read may take.
    pub read_timeout: Duration,
    /// How long to find out what became of an append without an acknowledgement.
    pub settle_timeout: Duration,
    /// Where snapshots are kept, if they are.
    pub snapshots: Option<Snapshots>,
    /// The keys of aggregates with personal data. Without them no command of theirs is carried out.
    pub keys: Option<Keys>,
    /// How many versions a snapshot may be behind before a commit leads to the next one.
    pub snapshot_every: u64,
    /// Whether commands that wait on one aggregate share a commit. Off only to measure what it
    /// is worth.
    pub coalesce: bool,
}

impl ProcessorOptions {
    /// The defaults.
    #[must_use]
    pub const fn new(secret: Secret) -> Self {
        Self {
            secret,
            queue_max: 8192,
            queue_bytes_max: 64 * 1024 * 1024,
            per_aggregate_queue_max: 1024,
            cache_max: 20_000,
            cache_bytes_max: 256 * 1024 * 1024,
            batch_max: 256,
            conflict_retries_max: 16,
            reads_max: 64,
            read_timeout: Duration::from_secs(10),
            settle_timeout: Duration::from_secs(5),
            snapshots: None,
            keys: None,
            snapshot_every: 100,
            coalesce: true,
        }
    }
}
