//! Limits of messages, with their reasons.

/// Largest commit in bytes: half of NATS's default 1 MiB payload, so that headers and growth fit.
pub const COMMIT_BYTES_MAX: usize = 512 * 1024;
/// Largest snapshot in bytes, for the same reason.
pub const SNAPSHOT_BYTES_MAX: usize = 512 * 1024;
/// Largest command body in bytes: its events must fit a commit beside their envelope.
pub const COMMAND_BYTES_MAX: usize = 256 * 1024;
/// Most messages in one batched direct get, which has no flow control (ADR-31).
pub const READ_BATCH_MAX: usize = 256;
/// Most bytes in one batched direct get.
pub const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest body of a query in bytes: a query is a few names and values.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Largest body of a stored message in a dead letter's record, as it is written there: a commit fits
/// whatever is in it, and the record stays below NATS's default payload.
pub const DEAD_LETTER_BODY_BYTES_MAX: usize = 768 * 1024;
