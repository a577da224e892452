//! Commands that were decided together and wait for one acknowledgement, and their answers.
//! Not here: deciding.

use bytes::Bytes;
use kit::{Position, Version};

use super::{admission::Waiting, load::Loaded};
use crate::{
    problem::Problem,
    receipts::Receipt,
    request::{EventRef, Reply, Status},
    store::StreamKey,
};

/// Commands that were decided together, in order.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// The commit; empty if no command had events.
    pub(super) body: Bytes,
    /// The aggregate's version after them.
    pub(super) version: Version,
}

/// One command and what was decided.
pub(super) struct Entry {
    pub(super) waiting: Box<Waiting>,
    pub(super) outcome: Outcome,
}

/// What was decided; true once the batch is acknowledged.
pub(super) enum Outcome {
    /// Its events are in the batch, under the receipt with this number.
    Committed(u64),
    /// It repeats a command of this batch, which has the receipt with this number.
    Repeated(u64),
    /// It is already so, at this version.
    Unchanged(Version),
    /// It may not be.
    Refused(Problem),
}

impl Batch {
    /// Answers every command. `before` is the version that the batch was decided on; `loaded` has
    /// taken the batch in.
    pub(super) fn answer(self, key: &StreamKey, loaded: &Loaded, before: (Version, Position)) {
        for Entry { waiting, outcome } in self.entries {
            let receipt = |number| loaded.receipts.get(number).ok_or_else(lost);
            waiting.answer(match outcome {
                Outcome::Committed(number) => {
                    receipt(number).map(|found| reply(key, found, Status::Committed))
                }
                Outcome::Repeated(number) => {
                    receipt(number).map(|found| reply(key, found, Status::Replayed))
                }
                Outcome::Unchanged(version) => {
                    let position = if version == before.0 { before.1 } else { loaded.position };
                    Ok(unchanged(key, version, position))
                }
                Outcome::Refused(problem) => Err(problem),
            });
        }
    }

    /// Answers every command with `problem`.
    pub(super) fn answer_all(self, problem: &Problem) {
        self.entries.into_iter().for_each(|entry| entry.waiting.answer(Err(problem.clone())));
    }
}

/// A batch is smaller than what a book always keeps, so its receipts are there.
fn lost() -> Problem {
    Problem::internal("the receipt of an acknowledged command is missing")
}

/// The answer that `receipt` stands for.
pub(super) fn reply(key: &StreamKey, receipt: &Receipt, status: Status) -> Reply {
    let first = receipt.version.0.saturating_sub(receipt.events.len() as u64);
    let events = receipt.events.iter().zip(first + 1..);
    Reply {
        status,
        aggregate: key.aggregate.as_ref().to_owned(),
        id: key.id.clone(),
        version: receipt.version,
        position: receipt.position,
        events: events
            .map(|((id, name), version)| EventRef {
                id: *id,
                kind: [&*key.aggregate, ".", name].concat(),
                version: Version(version),
            })
            .collect(),
    }
}

fn unchanged(key: &StreamKey, version: Version, position: Position) -> Reply {
    Reply {
        status: Status::Unchanged,
        aggregate: key.aggregate.as_ref().to_owned(),
        id: key.id.clone(),
        version,
        position,
        events: Vec::new(),
    }
}
