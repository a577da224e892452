//! The way in: what can be refused without looking at an aggregate is refused here, on the
//! caller's thread. Not here: anything that depends on state.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, Utc};
use kit::{CommandId, HOPS_MAX, Metadata, Position, Version};
use nats::limits::COMMAND_BYTES_MAX;
use uuid::Uuid;

use super::{Answer, tally::Tally};
use crate::{
    aggregates::{Aggregates, AnyCommand},
    problem::Problem,
    receipts::{CommandHash, CommandKey, Fingerprint},
    request::{CommandRequest, Reply},
    store::StreamKey,
};

/// Counts the commands that are accepted and not yet answered, and the bytes of their bodies.
pub(super) struct Room {
    taken: AtomicUsize,
    max: usize,
    bytes: AtomicUsize,
    bytes_max: usize,
    pub(super) tally: Arc<Tally>,
}

/// One command's place in the [`Room`].
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

/// Why there is no place in the [`Room`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Full {
    #[error("{0} commands are waiting in this service, as many as it holds; wait a little")]
    Commands(usize),
    #[error(
        "the commands that are waiting in this service fill the {0} bytes that it holds; wait a little"
    )]
    Bytes(usize),
}

impl Room {
    pub(super) fn new(max: usize, bytes_max: usize) -> Self {
        let (taken, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // Any command that is allowed gets in once the others are done.
        let bytes_max = bytes_max.max(COMMAND_BYTES_MAX);
        Self { taken, max, bytes, bytes_max, tally: Arc::default() }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A place for a command with a body of `body` bytes.
    pub(super) fn enter(self: &Arc<Self>, body: usize) -> Result<Place, Full> {
        // What is larger is refused without being kept, and for a better reason.
        let bytes = body.min(COMMAND_BYTES_MAX);
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let place = Place { room: Arc::clone(self), bytes };
        if taken >= self.max {
            return Err(Full::Commands(self.max));
        }
        if held + bytes > self.bytes_max {
            return Err(Full::Bytes(self.bytes_max));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(1, Ordering::Relaxed);
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A command on its way to the engine.
pub(super) struct Submission {
    pub(super) key: StreamKey,
    /// In a box: it passes through half a dozen queues and lists.
    pub(super) waiting: Box<Waiting>,
}

/// A command that waits for its turn or for an acknowledgement.
pub(super) struct Waiting {
    pub(super) command: AnyCommand,
    pub(super) key: CommandKey,
    pub(super) fingerprint: Fingerprint,
    pub(super) metadata: Metadata,
    /// The processor made its id, so nobody can repeat it.
    pub(super) unrepeatable: bool,
    pub(super) causation_position: Option<Position>,
    pub(super) expected_version: Option<Version>,
    pub(super) deadline: Option<DateTime<Utc>>,
    /// The log does not hold its id up to here.
    pub(super) absent_until: Position,
    /// The state was read from the leader after it arrived.
    pub(super) fresh: bool,
    /// How often another writer won.
    pub(super) conflicts: u32,
    answer: Answer,
    place: Place,
}

impl Waiting {
    pub(super) fn answer(self, result: Result<Reply, Problem>) {
        self.place.room.tally.answered(&result);
        // First, so that whoever hears the answer finds the place free.
        drop(self.place);
        (self.answer)(result);
    }

    pub(super) const fn id(&self) -> &CommandId {
        &self.metadata.command_id
    }
}

/// A command that lacks only someone to answer to.
pub(super) struct Admitted {
    key: StreamKey,
    command: AnyCommand,
    hash: CommandHash,
    rest: CommandRequest,
}

/// Reads `request`.
pub(super) fn admit(aggregates: &Aggregates, request: CommandRequest) -> Result<Admitted, Problem> {
    let CommandRequest { aggregate, name, body, .. } = &request;
    let entry = aggregates
        .get(aggregate)
        .ok_or_else(|| Problem::unknown_aggregate(format!("no aggregate type {aggregate:?}")))?;
    if body.len() > COMMAND_BYTES_MAX {
        let bytes = body.len();
        let detail = format!("the body has {bytes} bytes, {COMMAND_BYTES_MAX} are allowed");
        return Err(Problem::too_large(detail));
    }
    if request.hops > HOPS_MAX {
        let detail = format!("{} policies led here, {HOPS_MAX} are allowed", request.hops);
        return Err(Problem::too_many_hops(detail));
    }
    let command = entry.kind.read(name, body)?;
    let key = StreamKey { aggregate: Arc::clone(&entry.name), id: request.id.clone() };
    let hash = CommandHash::of(name, body);
    Ok(Admitted { key, command, hash, rest: request })
}

impl Admitted {
    pub(super) fn with(self, answer: Answer, place: Place) -> Submission {
        let Self { key, command, hash, rest } = self;
        let unrepeatable = rest.command_id.is_none();
        let id = rest.command_id.unwrap_or_else(|| Uuid::now_v7().into());
        let waiting = Waiting {
            command,
            key: CommandKey::from(&id),
            fingerprint: hash.fingerprint(),
            metadata: Metadata {
                command_hash: hash.to_hex(),
                correlation_id: rest.correlation_id.unwrap_or_else(|| id.as_str().to_owned()),
                causation_id: rest.causation_id,
                user_id: rest.user_id,
                session_id: rest.session_id,
                request_id: rest.request_id,
                hops: rest.hops,
                traceparent: rest.traceparent,
                command_id: id,
            },
            unrepeatable,
            causation_position: rest.causation_position,
            expected_version: rest.expected_version,
            deadline: rest.deadline,
            absent_until: Position::ZERO,
            fresh: false,
            conflicts: 0,
            answer,
            place,
        };
        Submission { key, waiting: Box::new(waiting) }
    }
}
