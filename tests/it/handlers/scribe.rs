//! A batch effect that writes down what it handles, and fails as it is told.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use infrastructure::composition::Composition;
use kit::{Batch, BatchEffect, BatchOutcome, BatchSize, Order, Outcome, Retries, Start};
use tokio::sync::Notify;

use super::{
    table_tennis::{Receiver, Return, SOON, Served, ServerEvent},
    world::table,
};

/// What becomes of a ball at one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// The code panics.
    Panic,
    /// It is set aside.
    Park,
    /// It must wait a little.
    Later,
    /// What it is written on is away.
    Away,
    /// The whole batch is refused because of it.
    Refused,
}

/// Writes every ball down, at most `EVENTS` at a time, none later than after `WAIT` milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scribe<const EVENTS: usize, const WAIT: u64>(Arc<Desk>);

#[derive(Debug, Default)]
struct Desk {
    batches: Mutex<Vec<Vec<(String, u64)>>>,
    sizes: Mutex<Vec<usize>>,
    slips: Mutex<HashMap<u64, VecDeque<Slip>>>,
    slow: AtomicBool,
    away: AtomicBool,
    orders: AtomicBool,
    begun: Notify,
    whistle: Notify,
}

impl<const EVENTS: usize, const WAIT: u64> Scribe<EVENTS, WAIT> {
    pub(crate) fn composition(&self) -> Composition {
        table().batch_effect(self.clone())
    }

    /// What becomes of `ball` at its next attempts; after them it is written down.
    pub(crate) fn slips(&self, ball: u64, slips: &[Slip]) {
        self.0.slips.lock().unwrap().insert(ball, slips.iter().copied().collect());
    }

    pub(crate) fn is_slow(&self, slow: bool) {
        self.0.slow.store(slow, Ordering::SeqCst);
    }

    pub(crate) fn is_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    /// Orders each ball to be returned, from now on.
    pub(crate) fn orders(&self) {
        self.0.orders.store(true, Ordering::SeqCst);
    }

    /// Waits until a slow one has begun.
    pub(crate) async fn begun(&self) {
        self.0.begun.notified().await;
    }

    /// Lets a slow one go on.
    pub(crate) fn whistle(&self) {
        self.0.whistle.notify_one();
    }

    /// How many events each batch had that was handed over.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.0.sizes.lock().unwrap().clone()
    }

    /// What was written, batch by batch.
    pub(crate) fn batches(&self) -> Vec<Vec<(String, u64)>> {
        self.0.batches.lock().unwrap().clone()
    }

    /// The balls of `id` that were written down, in order, with every repeat.
    pub(crate) fn written(&self, id: &str) -> Vec<u64> {
        let all = self.batches().into_iter().flatten();
        all.filter(|(of, _)| of == id).map(|(_, ball)| ball).collect()
    }

    fn is_refused(&self, ball: u64) -> bool {
        let slips = self.0.slips.lock().unwrap();
        slips.get(&ball).and_then(VecDeque::front) == Some(&Slip::Refused)
    }

    fn slip(&self, ball: u64) -> Option<Slip> {
        let mut slips = self.0.slips.lock().unwrap();
        let slips = slips.get_mut(&ball)?;
        // What cannot pass by itself stays until it is mended.
        match slips.front() {
            Some(Slip::Panic | Slip::Park | Slip::Refused) => slips.front().copied(),
            _ => slips.pop_front(),
        }
    }
}

impl<const EVENTS: usize, const WAIT: u64> BatchEffect for Scribe<EVENTS, WAIT> {
    const NAME: &'static str = "scribe";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = SOON;
    const DEPENDENCY: Option<&'static str> = Some("paper");
    const SIZE: BatchSize =
        BatchSize { events: EVENTS, wait: Duration::from_millis(WAIT), ..BatchSize::DEFAULT };
    type When = ServerEvent;

    async fn run(&self, batch: &Batch<ServerEvent>) -> BatchOutcome {
        self.0.sizes.lock().unwrap().push(batch.len());
        if self.0.slow.load(Ordering::SeqCst) {
            self.0.begun.notify_one();
            self.0.whistle.notified().await;
        }
        let reason = "as it was told".to_owned();
        if self.0.away.load(Ordering::SeqCst) {
            return BatchOutcome::Away { reason };
        }
        let mut balls = batch.iter().map(|(_, it)| {
            let ServerEvent::Served(Served { ball }) = &it.event.event;
            *ball
        });
        if balls.any(|ball| self.is_refused(ball)) {
            return BatchOutcome::Refused { reason };
        }
        let (mut written, mut went, mut failed) = (Vec::new(), Vec::new(), HashSet::new());
        for (place, it) in batch.iter() {
            let ServerEvent::Served(Served { ball }) = &it.event.event;
            let id = &it.event.aggregate_id;
            // Nothing is said of these, which looks as if they were done.
            if failed.contains(id) {
                continue;
            }
            let after = Duration::from_millis(5);
            let reason = reason.clone();
            let outcome = match self.slip(*ball) {
                Some(Slip::Panic | Slip::Refused) => panic!("as it was told"),
                Some(Slip::Park) => Outcome::Park { reason },
                Some(Slip::Later) => Outcome::Retry { after, reason },
                Some(Slip::Away) => Outcome::Away { reason },
                None => {
                    written.push((id.to_string(), *ball));
                    if self.0.orders.load(Ordering::SeqCst) {
                        let order = Order::to::<Receiver>(id, Return { ball: *ball }).unwrap();
                        went.push((place, Outcome::Done(vec![order])));
                    }
                    continue;
                }
            };
            failed.insert(id.clone());
            went.push((place, outcome));
        }
        self.0.batches.lock().unwrap().push(written);
        BatchOutcome::Each(went)
    }
}
