//! What follows when a piece of work has ended. Not here: starting it.

use std::time::Duration;

use kit::Position;

use super::{
    batch::{Batch, Entry},
    engine::Engine,
    load::Loaded,
    search::Search,
    slot::Phase,
    tally,
    work::{Append, Done, Work},
};
use crate::{
    problem::Problem,
    store::{AppendError, Freshness},
};

impl Engine {
    /// Takes the end of a piece of work in.
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Appended { slot, result } => self.appended(slot, result),
            Done::Settled { slot, result } => self.settled(slot, result),
            Done::Loaded { slot, result } => self.loaded(slot, result),
            Done::Searched { slot, search, result } => self.searched(slot, &search, &result),
            Done::Last { slot, result } => self.validated(slot, result),
            Done::Saved => self.saves -= 1,
        }
    }

    fn appended(&mut self, id: usize, result: Result<Position, AppendError>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        if let (Err(AppendError::Unknown(reason)), Phase::Committing(batch)) =
            (&result, &slot.phase)
        {
            tracing::debug!(stream = %slot.key, reason, "an append was not acknowledged");
            let expected = slot.loaded.as_ref().map_or(Position::ZERO, |loaded| loaded.position);
            let (key, body) = (slot.key.clone(), batch.body.clone());
            return self.work.push(Work::Settle(Append { slot: id, key, expected, body }));
        }
        let Phase::Committing(batch) = slot.end() else { return };
        self.concluded(id, batch, result);
    }

    fn settled(&mut self, id: usize, result: Result<Position, AppendError>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        let Phase::Committing(batch) = slot.end() else { return };
        if let Err(AppendError::Unknown(reason) | AppendError::Refused(reason)) = &result {
            self.tally.appended(tally::Append::Unknown);
            // It may still land, so nothing that is known of the aggregate can be relied on.
            slot.loaded = None;
            slot.waiting.iter_mut().for_each(|waiting| waiting.fresh = false);
            tracing::warn!(stream = %slot.key, reason, "the outcome of an append is unknown");
            batch.answer_all(&Problem::outcome_unknown(format!(
                "no acknowledgement: {reason}; repeat the command with the same id"
            )));
            return self.wake(id);
        }
        self.concluded(id, batch, result);
    }

    /// The fate of `batch` is certain.
    fn concluded(&mut self, id: usize, batch: Batch, result: Result<Position, AppendError>) {
        self.tally.appended(match &result {
            Ok(_) => tally::Append::Committed,
            Err(AppendError::Conflict) => tally::Append::Conflict,
            Err(AppendError::TooLarge { .. }) => tally::Append::TooLarge,
            Err(AppendError::Refused(_)) => tally::Append::Refused,
            Err(AppendError::Unknown(_)) => tally::Append::Unknown,
        });
        match result {
            Ok(position) => self.committed(id, batch, position),
            Err(AppendError::Conflict) => self.conflicted(id, batch),
            Err(AppendError::TooLarge { bytes, limit }) => self.too_large(id, batch, bytes, limit),
            Err(AppendError::Refused(reason) | AppendError::Unknown(reason)) => {
                if let Some(slot) = self.slots.get_mut(id) {
                    tracing::warn!(stream = %slot.key, reason, "the store refused an append");
                    slot.loaded.iter_mut().for_each(Loaded::give_up);
                }
                batch.answer_all(&Problem::unavailable(format!("{reason}; nothing was appended")));
                self.wake(id);
            }
        }
    }

    fn committed(&mut self, id: usize, batch: Batch, position: Position) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        if let Some(loaded) = &mut slot.loaded {
            let before = (loaded.version, loaded.position);
            self.tally.events(batch.version.0.saturating_sub(before.0.0));
            loaded.accept((batch.version, position), batch.body.len());
            batch.answer(&slot.key, loaded, before);
        }
        self.save(id);
        self.wake(id);
    }

    fn conflicted(&mut self, id: usize, batch: Batch) {
        let conflicts = batch.entries.iter().map(|entry| entry.waiting.conflicts).max();
        let delay = self.conflict_wait(conflicts.unwrap_or(0));
        self.put_back(id, batch, true);
        self.load(id, Freshness::Leader, delay, false);
    }

    /// Fewer commands fit a commit than was thought.
    fn too_large(&mut self, id: usize, batch: Batch, bytes: usize, limit: usize) {
        if batch.entries.len() == 1 {
            if let Some(slot) = self.slots.get_mut(id) {
                slot.loaded.iter_mut().for_each(Loaded::give_up);
            }
            let detail = format!("its events have {bytes} bytes, {limit} are allowed");
            batch.answer_all(&Problem::too_large(detail));
        } else {
            // A store that names no smaller limit must not make this go on for ever.
            self.commit_bytes_max = if limit < bytes { limit } else { bytes / 2 };
            self.put_back(id, batch, false);
        }
        self.wake(id);
    }

    /// The commands of `batch` wait again, before all others.
    fn put_back(&mut self, id: usize, batch: Batch, conflict: bool) {
        let retries_max = self.options.conflict_retries_max;
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.loaded.iter_mut().for_each(Loaded::give_up);
        for Entry { mut waiting, .. } in batch.entries.into_iter().rev() {
            waiting.conflicts += u32::from(conflict);
            // The leader is asked after this.
            waiting.fresh |= conflict;
            if waiting.conflicts > retries_max {
                let detail = format!("another writer won {} times", waiting.conflicts);
                waiting.answer(Err(Problem::conflict(detail)));
            } else {
                slot.waiting.push_front(waiting);
            }
        }
    }

    fn validated(&mut self, id: usize, result: Result<Position, Problem>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        let Phase::Validating(batch) = slot.end() else { return };
        let known = slot.loaded.as_ref();
        match (result, known) {
            (Err(problem), _) => {
                batch.answer_all(&problem);
                self.wake(id);
            }
            (Ok(last), Some(loaded)) if loaded.position == last => {
                batch.answer(&slot.key, loaded, (loaded.version, loaded.position));
                self.wake(id);
            }
            (Ok(_), _) => {
                for Entry { mut waiting, .. } in batch.entries.into_iter().rev() {
                    waiting.fresh = true;
                    slot.waiting.push_front(waiting);
                }
                self.load(id, Freshness::Leader, Duration::ZERO, false);
            }
        }
    }

    fn loaded(&mut self, id: usize, result: Result<Loaded, Problem>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.end();
        match result {
            Ok(loaded) => slot.loaded = Some(loaded),
            Err(problem) => slot.answer_all(&problem),
        }
        self.wake(id);
    }

    fn searched(&mut self, id: usize, search: &Search, result: &Result<(), Problem>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.end();
        match result {
            Ok(()) => search.serve(&mut slot.waiting),
            Err(problem) => search.fail(&mut slot.waiting, problem),
        }
        self.wake(id);
    }
}
