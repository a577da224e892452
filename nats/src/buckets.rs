//! The KV buckets, as the streams that they are on the server, every option spelled out.
//! Not here: creating them, and what their values mean.

use std::time::Duration;

use async_nats::jetstream::stream::Config;

use crate::{names, streams::kept};

/// How long the outcome of a durable command can be asked for: a month's holiday of the caller.
const RESULTS_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// The six buckets.
#[must_use]
pub fn all(replicas: usize) -> Vec<Config> {
    vec![
        bucket(names::SNAPSHOTS, "states that save reading a long history", replicas),
        bucket(names::CHECKPOINTS, "how far each policy and effect has come", replicas),
        bucket(names::LEASES, "who owns which handler", replicas),
        bucket(names::HANDLERS, "which handlers exist, and since when", replicas),
        Config {
            max_age: RESULTS_AGE_MAX,
            ..bucket(names::RESULTS, "what became of durable commands", replicas)
        },
        // A key that is destroyed is deleted, so that the server overwrites it on its disk.
        Config { deny_delete: false, ..bucket(names::KEYS, "keys of personal data", replicas) },
    ]
}

/// The name of the stream behind a bucket.
#[must_use]
pub fn stream_of(bucket: &str) -> String {
    format!("KV_{bucket}")
}

/// A bucket of ADR-8 that keeps one value a key. Leases have no age limit: an owner is late by
/// its contender's clock, not by the server's.
fn bucket(name: &str, description: &str, replicas: usize) -> Config {
    Config {
        description: Some(description.to_owned()),
        max_messages_per_subject: 1,
        allow_rollup: true,
        deny_delete: true,
        ..kept(&stream_of(name), &format!("$KV.{name}.>"), replicas)
    }
}
