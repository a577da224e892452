//! One round of deciding: the commands that wait on one aggregate, in the order of arrival, each
//! on the state that those before it lead to. No await, no IO.
//! Not here: what becomes of the batch.

use chrono::{DateTime, Utc};
use kit::{Actor, Context, Version};

use super::{
    ProcessorOptions,
    admission::Waiting,
    batch::{Batch, Entry, Outcome, reply},
    event_ids::EventIds,
    load::Loaded,
    search::Search,
    slot::Slot,
};
use crate::{
    envelope::Encoder,
    problem::Problem,
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
    /// The key of the aggregate's personal data is to be found, or made, before the first command's
    /// events can be written.
    Key,
    /// The log is to be searched before the first command can be decided.
    Search(Search),
}

/// What is to happen to one command.
pub(super) enum Verdict {
    Answer(Result<Reply, Problem>),
    Enter(Outcome),
    /// It does not fit beside the others.
    Later,
    /// It may be older than the receipts.
    Search,
    /// Its events are to be sealed, and the key is not known, or no longer.
    Key,
    /// Its events broke the state that comes next.
    Broken(Problem),
}

/// What one round leaves to the next, so that neither has to make it.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) commit: Encoder,
    pub(super) ids: EventIds,
}

/// Decides what waits on `slot`, whose state is loaded.
pub(super) fn decide(slot: &mut Slot, rules: &Rules<'_>, scratch: &mut Scratch) -> Next {
    let Slot { key, kind, loaded: Some(loaded), waiting: queue, .. } = slot else {
        return Next::Nothing;
    };
    let is_sealed = kind.is_sealed();
    let version = loaded.version;
    let Scratch { commit, ids } = scratch;
    commit.clear();
    let entries = Vec::new();
    let mut round = Round { key, is_sealed, loaded, rules, commit, ids, entries, version };
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
            Verdict::Key if round.entries.is_empty() => {
                queue.push_front(waiting);
                return Next::Key;
            }
            Verdict::Search | Verdict::Key => {
                queue.push_front(waiting);
                break;
            }
            Verdict::Broken(problem) => {
                waiting.answer(Err(problem));
                let others = round.give_up();
                others.into_iter().rev().for_each(|entry| queue.push_front(entry.waiting));
                return Next::Nothing;
            }
        }
    }
    round.finish()
}

pub(super) struct Round<'a> {
    pub(super) key: &'a StreamKey,
    pub(super) is_sealed: bool,
    pub(super) loaded: &'a mut Loaded,
    pub(super) rules: &'a Rules<'a>,
    pub(super) commit: &'a mut Encoder,
    pub(super) ids: &'a mut EventIds,
    pub(super) entries: Vec<Entry>,
    pub(super) version: Version,
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
        if !waiting.unrepeatable && !self.is_new(waiting) {
            return Verdict::Search;
        }
        // Only now: what was carried out before is answered however late the repeat comes.
        if waiting.deadline.is_some_and(|deadline| deadline <= self.rules.now) {
            return Verdict::Answer(Err(Problem::deadline(
                "the deadline passed before the command was decided; nothing was appended",
            )));
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
        let same = receipt.fingerprint.is_of(waiting.fingerprint) || waiting.id().is_derived();
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
        match commit.take() {
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
