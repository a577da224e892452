//! Names of streams, buckets and services.

/// The system of record: every commit of every aggregate.
pub const EVENTS: &str = "EVENTS";
/// Durable commands on their way, a work queue.
pub const COMMANDS: &str = "COMMANDS";
/// Events that a handler could not process, in order.
pub const DLQ: &str = "DLQ";
/// Commands for later.
pub const TIMERS: &str = "TIMERS";

/// KV bucket: states that save reading a long history.
pub const SNAPSHOTS: &str = "SNAPSHOTS";
/// KV bucket: how far each policy and effect has come.
pub const CHECKPOINTS: &str = "CHECKPOINTS";
/// KV bucket: who owns which handler.
pub const LEASES: &str = "LEASES";
/// KV bucket: which handlers exist, and since when.
pub const HANDLERS: &str = "HANDLERS";
/// KV bucket: what became of durable commands.
pub const RESULTS: &str = "RESULTS";

/// KV bucket: the data key of each aggregate with personal data, wrapped, or that it is destroyed.
pub const KEYS: &str = "KEYS";

/// The micro service, and the queue group that its instances share.
pub const SERVICE: &str = "headwater";
