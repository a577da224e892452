//! One round of deciding: the commands that wait on one aggregate, in the order of arrival, each
//! on the state that those before it lead to. No await, no IO.
//! Not here: what becomes of the batch.

use chrono::{DateTime, Utc};
use kit::{Actor, Context, EventId, Version};
use uuid::Uuid;

use super::{
    ProcessorOptions,
    admission::Waiting,
    batch::{Batch, Entry, Outcome, reply},
    load::Loaded,
    search::Search,
    slot::Slot,
};
use crate::{
    aggregates::Decided,
    envelope::{Draft, EncodeError, Encoder},
    problem::Problem,
    receipts::Receipt,
    request::{Reply, Status},
    store::StreamKey,
};

/// What holds for every command of a round.
pub(super) struct Rules<'a> {
    pub(super) options: &'a ProcessorOptions,
    pub(super) commit_bytes_max: usize,
    pub(super) now: DateTime<Utc>,
}

/// What a round leads to.
pub(super) enum Next {
    /// Whatever could be answered is.
    Nothing,
    /// The batch is to be appended.
    Commit(Batch),
    /// The batch has no events: whether it was decided on the present is to be asked.
    Validate(Batch),
    /// The log is to be searched before the first command can be decided.
    Search(Search),
}

/// What is to happen to one command.
enum Verdict {
    Answer(Result<Reply, Problem>),
    Enter(Outcome),
    /// It does not fit beside the others.
    Later,
    /// It may be older than the receipts.
    Search,
    /// Its events broke the state that comes next.
    Broken(Problem),
}

/// Decides what waits on `slot`, whose state is loaded.
pub(super) fn decide(slot: &mut Slot, rules: &Rules<'_>) -> Next {
    let Slot { key, loaded: Some(loaded), waiting: queue, .. } = slot else { return Next::Nothing };
    let version = loaded.version;
    let mut round = Round {
        key,
        loaded,
        rules,
        commit: Encoder::for_events(queue.len().min(16)),
        entries: Vec::new(),
        version,
    };
    while round.has_room() {
        let Some(waiting) = queue.pop_front() else { break };
        match round.judge(&waiting) {
            Verdict::Answer(result) => waiting.answer(result),
            Verdict::Enter(outcome) => round.entries.push(Entry { waiting, outcome }),
            Verdict::Later => {
                queue.push_front(waiting);
                break;
            }
            Verdict::Search if round.entries.is_empty() => {
                queue.push_front(waiting);
                return Search::of(queue, &round.loaded.receipts)
                    .map_or(Next::Nothing, Next::Search);
            }
            Verdict::Search => {
                queue.push_front(waiting);
                break;
            }
            Verdict::Broken(problem) => {
                waiting.answer(Err(problem));
                let others = round.give_up();
                others.into_iter().rev().for_each(|entry| queue.push_front(entry.waiting));
                return decide(slot, rules);
            }
        }
    }
    round.finish()
}

struct Round<'a> {
    key: &'a StreamKey,
    loaded: &'a mut Loaded,
    rules: &'a Rules<'a>,
    commit: Encoder,
    entries: Vec<Entry>,
    version: Version,
}

impl Round<'_> {
    fn has_room(&self) -> bool {
        let alone = !self.rules.options.coalesce && !self.commit.is_empty();
        !alone && self.entries.len() < self.rules.options.batch_max
    }

    fn judge(&mut self, waiting: &Waiting) -> Verdict {
        if let Some(verdict) = self.repeated(waiting) {
            return verdict;
        }
        if waiting.deadline.is_some_and(|deadline| deadline <= self.rules.now) {
            return Verdict::Answer(Err(Problem::deadline(
                "the deadline passed before the command was decided; nothing was appended",
            )));
        }
        if !waiting.unrepeatable && !self.is_new(waiting) {
            return Verdict::Search;
        }
        if let Some(expected) =
            waiting.expected_version.filter(|expected| *expected != self.version)
        {
            let detail = format!("at version {}, {expected} was expected", self.version);
            return Verdict::Enter(Outcome::Refused(Problem::wrong_version(detail)));
        }
        let metadata = &waiting.metadata;
        let actor = Actor { user: metadata.user_id.clone() };
        let (now, secret) = (self.rules.now, self.rules.options.secret.clone());
        let context = Context::new(now, actor, metadata.command_id.clone(), secret)
            .about(self.key.id.clone());
        match self.loaded.state.decide(&waiting.command, &context) {
            Err(problem) => Verdict::Enter(Outcome::Refused(problem)),
            Ok(decided) if decided.is_empty() => Verdict::Enter(Outcome::Unchanged(self.version)),
            Ok(decided) => self.write(waiting, &decided),
        }
    }

    /// The verdict on a command that has a receipt.
    fn repeated(&self, waiting: &Waiting) -> Option<Verdict> {
        let receipts = &self.loaded.receipts;
        let number = receipts.find(waiting.key).filter(|_| !waiting.unrepeatable)?;
        let receipt = receipts.get(number)?;
        let same = receipt.fingerprint == waiting.fingerprint || waiting.id().is_derived();
        Some(match (same, receipts.is_pending(number)) {
            (true, true) => Verdict::Enter(Outcome::Repeated(number)),
            (true, false) => Verdict::Answer(Ok(reply(self.key, receipt, Status::Replayed))),
            (false, true) => Verdict::Enter(Outcome::Refused(reused())),
            (false, false) => Verdict::Answer(Err(reused())),
        })
    }

    fn is_new(&self, waiting: &Waiting) -> bool {
        let receipts = &self.loaded.receipts;
        receipts.rules_out(waiting.id(), waiting.causation_position, waiting.absent_until)
    }

    /// Writes the events of one command into the commit, unless they do not fit.
    fn write(&mut self, waiting: &Waiting, decided: &[Decided]) -> Verdict {
        let (mark, first) = (self.commit.mark(), self.commit.is_empty());
        let events = match self.encode(waiting, decided) {
            Ok(events) if self.commit.bytes() <= self.rules.commit_bytes_max => events,
            Ok(_) => {
                let (bytes, limit) = (self.commit.bytes(), self.rules.commit_bytes_max);
                self.commit.back(mark);
                return if first {
                    let detail = format!("its events have {bytes} bytes, {limit} are allowed");
                    Verdict::Enter(Outcome::Refused(Problem::too_large(detail)))
                } else {
                    Verdict::Later
                };
            }
            Err(error) => {
                self.commit.back(mark);
                let detail = format!("its events cannot be written: {error}");
                return Verdict::Enter(Outcome::Refused(Problem::internal(detail)));
            }
        };
        if let Err(problem) = self.loaded.state.evolve() {
            return Verdict::Broken(problem);
        }
        self.version.0 += decided.len() as u64;
        Verdict::Enter(Outcome::Committed(self.loaded.receipts.expect(Receipt {
            key: waiting.key,
            fingerprint: waiting.fingerprint,
            version: self.version,
            position: self.loaded.position,
            time: self.rules.now,
            events,
        })))
    }

    fn encode(
        &mut self,
        waiting: &Waiting,
        decided: &[Decided],
    ) -> Result<Box<[(EventId, &'static str)]>, EncodeError> {
        let mut version = self.version;
        let written = decided.iter().map(|event| {
            version = version.next();
            // One context counts within a millisecond, so that ids sort as events do.
            let id = Uuid::now_v7();
            let draft = Draft {
                id,
                kind: event.kind.name,
                schema_version: event.kind.version,
                version,
                time: self.rules.now,
                data: &event.data,
                metadata: &waiting.metadata,
            };
            self.commit.push(self.key, &draft).map(|()| (id, event.kind.name))
        });
        written.collect()
    }

    fn give_up(self) -> Vec<Entry> {
        self.loaded.give_up();
        self.entries
    }

    fn finish(self) -> Next {
        let Self { key, loaded, commit, entries, version, .. } = self;
        if entries.is_empty() {
            return Next::Nothing;
        }
        let fresh = entries.iter().all(|entry| entry.waiting.fresh);
        match commit.finish() {
            Ok(body) => Next::Commit(Batch { entries, body, version }),
            Err(_) => {
                let batch = Batch { entries, body: bytes::Bytes::new(), version };
                if !fresh {
                    return Next::Validate(batch);
                }
                batch.answer(key, loaded, (loaded.version, loaded.position));
                Next::Nothing
            }
        }
    }
}

pub(super) fn reused() -> Problem {
    Problem::id_reused("an earlier command with this id had another name or body")
}
