//! The streams, every option spelled out: what is not written here is somebody else's default.
//! Not here: creating them, and the streams behind KV buckets.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, RetentionPolicy, StorageType,
};

use crate::{Subject, names};

/// Where the server stops counting ids of repeated messages: longer windows cost 225 bytes an id.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// Most consumers of one stream; without a number of our own the server stops at 1,000.
const CONSUMERS_MAX: i32 = 10_000;

/// The four streams. Buckets are in [`crate::buckets`].
#[must_use]
pub fn all(replicas: usize) -> Vec<Config> {
    vec![events(replicas), commands(replicas), dead_letters(replicas), timers(replicas)]
}

/// `EVENTS`, the system of record. Nothing may leave it: a purged subject would accept a second
/// first event.
#[must_use]
pub fn events(replicas: usize) -> Config {
    Config {
        description: Some("the system of record: one message is one commit".to_owned()),
        deny_delete: true,
        deny_purge: true,
        ..kept(names::EVENTS, Subject::EVENTS, replicas)
    }
}

/// `COMMANDS`, the work queue of durable commands; a message leaves it when its outcome is known.
#[must_use]
pub fn commands(replicas: usize) -> Config {
    Config {
        description: Some("durable commands on their way".to_owned()),
        retention: RetentionPolicy::WorkQueue,
        ..kept(names::COMMANDS, Subject::ENQUEUED, replicas)
    }
}

/// `DLQ`. Single messages may not go, because the order of a key is what it keeps. A purge is not
/// denied: denying cannot be taken back, and keys that were released long ago may be cleared.
#[must_use]
pub fn dead_letters(replicas: usize) -> Config {
    Config {
        description: Some("events that a handler could not process, in order".to_owned()),
        deny_delete: true,
        ..kept(names::DLQ, Subject::DEAD_LETTERS, replicas)
    }
}

/// `TIMERS`. Schedules need roll-ups and forbid `deny_purge` and `DiscardPolicy::New`, so they have
/// a stream of their own; without limits nothing is discarded. A schedule can be years away.
#[must_use]
pub fn timers(replicas: usize) -> Config {
    Config {
        description: Some("commands for later".to_owned()),
        discard: DiscardPolicy::Old,
        allow_rollup: true,
        allow_message_ttl: true,
        allow_message_schedules: true,
        ..kept(names::TIMERS, Subject::TIMERS, replicas)
    }
}

/// A file stream that keeps everything. New messages are refused, never old ones dropped, should
/// the disk or an account run out of room.
pub(crate) fn kept(name: &str, subjects: &str, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        description: None,
        subjects: vec![subjects.to_owned()],
        storage: StorageType::File,
        persist_mode: None,
        compression: Some(Compression::None),
        num_replicas: replicas,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        discard_new_per_subject: false,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_age: Duration::ZERO,
        max_consumers: CONSUMERS_MAX,
        consumer_limits: None,
        duplicate_window: DUPLICATE_WINDOW,
        no_ack: false,
        sealed: false,
        allow_rollup: false,
        deny_delete: false,
        deny_purge: false,
        allow_direct: true,
        mirror_direct: false,
        allow_message_ttl: false,
        subject_delete_marker_ttl: None,
        allow_atomic_publish: false,
        allow_batch_publish: false,
        allow_message_schedules: false,
        allow_message_counter: false,
        republish: None,
        mirror: None,
        sources: None,
        subject_transform: None,
        first_sequence: None,
        placement: None,
        pause_until: None,
        template_owner: String::new(),
        metadata: HashMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buckets;

    #[test]
    fn no_two_streams_capture_the_same_subject() {
        let configs = [all(1), buckets::all(1)].concat();
        let mut prefixes: Vec<_> = configs
            .iter()
            .flat_map(|config| &config.subjects)
            .map(|s| s.trim_end_matches('>'))
            .collect();
        assert_eq!(prefixes.len(), configs.len());
        prefixes.sort_unstable();
        for pair in prefixes.windows(2) {
            let [one, other] = pair else { continue };
            assert!(!other.starts_with(one), "{one} {other}");
        }
    }

    #[test]
    fn a_request_is_captured_by_no_stream() {
        // The stream's acknowledgement would arrive as the answer to the command.
        for config in [all(1), buckets::all(1)].concat() {
            for subject in &config.subjects {
                assert!(!subject.starts_with("command.") && !subject.starts_with("query."));
            }
        }
    }

    #[test]
    fn the_log_keeps_everything() {
        let events = events(3);
        assert!(events.deny_delete && events.deny_purge && !events.allow_rollup);
        assert_eq!(
            (events.max_age, events.max_messages, events.max_bytes),
            (Duration::ZERO, -1, -1)
        );
        assert_eq!((events.storage, events.num_replicas), (StorageType::File, 3));
    }
}
