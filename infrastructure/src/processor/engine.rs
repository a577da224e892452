//! The engine: every loaded aggregate and what is to be done next for each. Plain state: it asks
//! for work and is told how the work ended. Not here: futures and waiting.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
    time::Duration,
};

use chrono::{SubsecRound, Utc};
use kit::Position;
use nats::limits::COMMIT_BYTES_MAX;
use slab::Slab;

use super::{
    ProcessorOptions,
    admission::Submission,
    cache::Idle,
    load::Load,
    round::{self, Next, Rules, Scratch},
    slot::{Phase, Slot},
    tally::Tally,
    work::{Append, Work},
};
use crate::{
    aggregates::Aggregates,
    problem::Problem,
    receipts::RECEIPTS_MIN,
    store::{Freshness, StreamKey},
};

/// First and longest wait before commands are decided again after a conflict, before jitter.
const CONFLICT_WAIT: Duration = Duration::from_micros(500);
const CONFLICT_WAIT_MAX: Duration = Duration::from_millis(50);

/// Every loaded aggregate.
pub(super) struct Engine {
    pub(super) options: ProcessorOptions,
    /// What the store takes; learned if it is less than ours.
    pub(super) commit_bytes_max: usize,
    pub(super) slots: Slab<Slot>,
    /// Work that is to be started.
    pub(super) work: Vec<Work>,
    /// Snapshots on their way.
    pub(super) saves: usize,
    pub(super) aggregates: Aggregates,
    pub(super) tally: Arc<Tally>,
    pub(super) places: HashMap<StreamKey, usize>,
    ready: Vec<usize>,
    pub(super) idle: Idle,
    scratch: Scratch,
    random: RandomState,
}

impl Engine {
    pub(super) fn new(
        aggregates: Aggregates,
        mut options: ProcessorOptions,
        tally: Arc<Tally>,
    ) -> Self {
        // The receipts of a batch are looked up after it is acknowledged, so a book must keep them.
        options.batch_max = options.batch_max.clamp(1, RECEIPTS_MIN);
        Self {
            options,
            commit_bytes_max: COMMIT_BYTES_MAX,
            slots: Slab::new(),
            work: Vec::new(),
            saves: 0,
            aggregates,
            tally,
            places: HashMap::new(),
            ready: Vec::new(),
            idle: Idle::default(),
            scratch: Scratch::default(),
            random: RandomState::new(),
        }
    }

    /// Takes a command in; it is decided in the next turn in which its aggregate is free.
    pub(super) fn submit(&mut self, submission: Submission) {
        let Submission { key, waiting } = submission;
        let place = self.places.get(&key).copied();
        let Some(id) = place.or_else(|| self.open(key)) else {
            return waiting.answer(Err(Problem::internal("the aggregate type is gone")));
        };
        let Some(slot) = self.slots.get_mut(id) else { return };
        if slot.waiting.len() >= self.options.per_aggregate_queue_max {
            let detail = format!("{} commands are waiting on {}", slot.waiting.len(), slot.key);
            return waiting.answer(Err(Problem::busy(detail)));
        }
        slot.waiting.push_back(waiting);
        if let Some(rest) = slot.rest.take() {
            self.idle.leave(rest);
        }
        self.wake(id);
    }

    /// Lists a slot for this turn.
    pub(super) fn wake(&mut self, id: usize) {
        if let Some(slot) = self.slots.get_mut(id).filter(|slot| !slot.ready) {
            slot.ready = true;
            self.ready.push(id);
        }
    }

    /// Goes on with every aggregate that has something to go on with.
    pub(super) fn turn(&mut self) {
        let now = Utc::now().trunc_subsecs(6);
        while let Some(id) = self.ready.pop() {
            let rules =
                Rules { options: &self.options, commit_bytes_max: self.commit_bytes_max, now };
            let Some(slot) = self.slots.get_mut(id) else { continue };
            slot.ready = false;
            if !matches!(slot.phase, Phase::Free) {
                continue;
            }
            if slot.waiting.is_empty() {
                self.retire(id);
                continue;
            }
            if slot.loaded.is_none() {
                self.load(id, Freshness::Any, Duration::ZERO, false);
                continue;
            }
            let next = round::decide(slot, &rules, &mut self.scratch);
            self.start(id, next);
        }
        self.evict();
    }

    fn start(&mut self, id: usize, next: Next) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        let key = slot.key.clone();
        let expected = slot.loaded.as_ref().map_or(Position::ZERO, |loaded| loaded.position);
        match next {
            Next::Nothing => self.wake(id),
            Next::Commit(batch) => {
                let body = batch.body.clone();
                slot.phase = Phase::Committing(batch);
                self.work.push(Work::Append(Append { slot: id, key, expected, body }));
            }
            Next::Validate(batch) => {
                slot.phase = Phase::Validating(batch);
                self.work.push(Work::Last { slot: id, key });
            }
            Next::Key => self.load(id, Freshness::Any, Duration::ZERO, true),
            Next::Search(search) => {
                slot.phase = Phase::Reading;
                self.work.push(Work::Search { slot: id, key, search });
            }
        }
    }

    /// Loads what is not loaded, or what the log holds beyond it.
    pub(super) fn load(&mut self, id: usize, freshness: Freshness, delay: Duration, to_seal: bool) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.phase = Phase::Reading;
        let (key, kind, from) = (slot.key.clone(), slot.kind.clone(), slot.loaded.take());
        let load = Load { slot: id, key, kind, from, freshness, delay, to_seal };
        self.work.push(Work::Load(load));
    }

    /// A wait that grows with `conflicts` and differs between writers.
    pub(super) fn conflict_wait(&self, conflicts: u32) -> Duration {
        let longest = CONFLICT_WAIT.saturating_mul(1 << conflicts.min(16)).min(CONFLICT_WAIT_MAX);
        // A keyed hash of something that changes is random enough to part two writers.
        let random = self.random.hash_one(std::time::Instant::now()) % 1024;
        longest.mul_f64(random as f64 / 1024.0)
    }
}
