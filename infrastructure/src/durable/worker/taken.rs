//! One command that was taken from the queue: who it is, and what its attempts have come to.
//! Not here: the attempts.

use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use chrono::Utc;
use kit::{CommandId, Position, Retries};
use nats::names;

use super::{
    super::{dead::Buried, results::given_id},
    INTERNAL,
};
use crate::{
    deadletter::{Attempt, Original},
    problem::Problem,
    wire,
};

/// A command that was taken from the queue, and how its attempts went.
pub(super) struct Taken {
    pub(super) id: CommandId,
    pub(super) message: jetstream::Message,
    position: Position,
    /// Once it may have been carried out, the caller's deadline no longer says that it was not.
    pub(super) begun: bool,
    /// Attempts that ended in a bug.
    bugs: Vec<Attempt>,
}

impl Taken {
    pub(super) fn new(message: jetstream::Message) -> Result<Self, Problem> {
        let info = message.info().map_err(|error| Problem::unavailable(error.to_string()))?;
        let (id, position) = (identify(&message)?, Position(info.stream_sequence));
        Ok(Self { id, message, position, begun: false, bugs: Vec::new() })
    }

    /// Whether there is another attempt after this bug.
    pub(super) fn may_pass(&self, problem: &Problem) -> bool {
        problem.code == INTERNAL && self.delay(self.bugs.len() + 1).is_some()
    }

    /// How long to wait after one more bug; none if it was none.
    pub(super) fn again(&mut self, problem: &Problem) -> Option<Duration> {
        if problem.code != INTERNAL {
            return None;
        }
        self.bugs.push(Attempt { time: Utc::now(), error: problem.to_string() });
        self.delay(self.bugs.len())
    }

    fn delay(&self, failures: usize) -> Option<Duration> {
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        Retries::DEFAULT.bug.delay(failures, fastrand::f64())
    }

    pub(super) fn buried(&self, problem: &Problem) -> Buried<'_> {
        let Self { id, message, position, bugs, .. } = self;
        let mut failed = bugs.clone();
        failed.push(Attempt { time: Utc::now(), error: problem.to_string() });
        let subject = message.subject.as_str();
        let original = Original::new(subject, message.headers.as_ref(), &message.payload);
        Buried { id, subject, position: *position, original, failed }
    }
}

/// Whether the caller's own deadline has passed: then `deadline` is final.
pub(super) fn expired(message: &jetstream::Message) -> bool {
    let request = wire::read_request(&message.subject, message.headers.as_ref(), Bytes::new());
    request.ok().and_then(|request| request.deadline).is_some_and(|deadline| deadline <= Utc::now())
}

/// The caller's id or, if there is none that is valid, one that is the same at each delivery.
fn identify(message: &jetstream::Message) -> Result<CommandId, Problem> {
    if let Some(id) = message.headers.as_ref().and_then(given_id) {
        return Ok(id);
    }
    let info = message.info().map_err(|error| Problem::unavailable(error.to_string()))?;
    let (sequence, time) = (info.stream_sequence, info.published.unix_timestamp_nanos());
    let made = format!("{}-{sequence}-{time}", names::COMMANDS).parse();
    made.map_err(|error: kit::BadId| Problem::invalid(error.to_string()))
}
