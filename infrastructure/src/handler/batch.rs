//! Batch effects: events of many keys and commits, handled together. Each key waits for its own: what
//! fails is tried again with what comes behind it of its key, and the others are done with.
//! Not here: parking, drains and take-over, which are those of every handler.

mod gathering;
#[cfg(test)]
mod gathering_tests;
mod worker;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use futures::{FutureExt as _, future::BoxFuture};
use kit::{BatchEffect, BatchSize, Batched, CommandId, Recorded, Retries, Start};
use tokio::task::JoinHandle;

use super::{
    Failure, Source,
    breaker::Breaker,
    duty::Duty,
    failure::guarded,
    hands::Stretch,
    orders::{Dispatch, request},
    reactor::{Handled, RunHandler},
    trial::{Attempts, Tally, Trial},
};
use crate::envelope::Data;
use gathering::{Answer, Done, Gathering, Item};
use worker::{Table, Worker};

/// Any [`BatchEffect`].
pub(crate) trait AnyBatchEffect: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn dependency(&self) -> Option<&'static str>;
    fn aggregates(&self) -> Vec<&'static str>;
    /// Whether there is anything to do for the event.
    fn is_due(&self, source: &Source<'_>) -> Result<bool, Failure>;
    fn handler(&self, dispatch: Dispatch, breaker: Option<Breaker>) -> Arc<dyn RunHandler>;
}

/// A [`BatchEffect`] among others.
pub(crate) struct Batching<F>(pub(crate) Arc<F>);

impl<F: BatchEffect> AnyBatchEffect for Batching<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn start(&self) -> Start {
        F::START
    }

    fn dependency(&self) -> Option<&'static str> {
        F::DEPENDENCY
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <F::When as kit::EventSet>::aggregates()
    }

    fn is_due(&self, source: &Source<'_>) -> Result<bool, Failure> {
        let event: Recorded<F::When> = source.record()?;
        guarded(|| Ok(self.0.concerns(&event)))
    }

    fn handler(&self, dispatch: Dispatch, breaker: Option<Breaker>) -> Arc<dyn RunHandler> {
        let effect = Arc::clone(&self.0);
        let table = Arc::new(Table::new(Gathering::new(F::SIZE)));
        Arc::new(Batches { effect, dispatch, breaker, table, working: None })
    }
}

/// Handles the events of one epoch in batches.
struct Batches<F: BatchEffect> {
    effect: Arc<F>,
    dispatch: Dispatch,
    breaker: Option<Breaker>,
    table: Arc<Table<F::When>>,
    working: Option<JoinHandle<()>>,
}

impl<F: BatchEffect> Drop for Batches<F> {
    fn drop(&mut self) {
        if let Some(working) = &self.working {
            working.abort();
        }
    }
}

impl<F: BatchEffect> RunHandler for Batches<F> {
    fn handle<'a>(
        &'a self,
        duty: &'a Duty,
        events: &'a [Source<'a>],
        stretch: Stretch,
    ) -> BoxFuture<'a, Handled> {
        self.persist(duty, events, stretch).boxed()
    }

    fn retries(&self) -> Retries {
        F::RETRIES
    }

    fn run_max(&self) -> usize {
        F::SIZE.events.max(1)
    }

    fn holds(&self, commits: usize) {
        if self.table.behind.swap(commits, Ordering::Relaxed) < commits {
            self.table.changed.notify_one();
        }
    }

    fn renewed(&self, duty: &Arc<Duty>) -> Option<Arc<dyn RunHandler>> {
        // More than the owner holds would never come together.
        let events = F::SIZE.events.clamp(1, duty.options.window_max.max(1));
        let size = BatchSize { events, ..F::SIZE };
        let table = Arc::new(Table::new(Gathering::new(size)));
        let effect = Arc::clone(&self.effect);
        let breaker = self.breaker.clone();
        let (duty, of) = (Arc::clone(duty), Arc::clone(&table));
        let worker = Worker { effect: Arc::clone(&effect), table: of, duty, breaker };
        Some(Arc::new(Self {
            effect,
            dispatch: self.dispatch.clone(),
            breaker: None,
            table,
            working: Some(tokio::spawn(worker.work())),
        }))
    }
}

impl<F: BatchEffect> Batches<F> {
    /// Has `events` handled, the first that fails again and again with what comes behind it.
    async fn persist(&self, duty: &Duty, events: &[Source<'_>], stretch: Stretch) -> Handled {
        let (mut done, mut failing, mut alone) = (0, None::<(Trial<'_>, Tally)>, false);
        while let Some(left @ [_, ..]) = events.get(done..) {
            let begun = Instant::now();
            let (ends, failure) = self.attempt(duty, left, alone).await;
            if !ends.is_empty()
                && let Some((trial, tally)) = failing.take()
            {
                trial.through(tally);
            }
            // Others must not be handled once more because the code fails at this one.
            alone = matches!(failure, Some(Failure::Bug(_)));
            for (source, end) in left.iter().zip(ends) {
                let mut trial =
                    Trial::new(duty, F::RETRIES, source.at(), stretch.occasion(source.at(), false));
                if let Err(failure) = self.record(source, &mut trial, end).await {
                    return stopped(done, failure, &mut trial);
                }
                source.count(duty, begun.elapsed());
                done += 1;
            }
            let Some(failure) = failure else { continue };
            let Some(next) = events.get(done) else { return Handled { done, failed: None } };
            let (trial, tally) = failing.get_or_insert_with(|| {
                let occasion = stretch.occasion(next.at(), false);
                let trial = Trial::new(duty, F::RETRIES, next.at(), occasion);
                let tally = trial.tally();
                (trial, tally)
            });
            if let Err(failure) = trial.again(failure, tally).await {
                return stopped(done, failure, trial);
            }
        }
        Handled { done, failed: None }
    }

    /// One attempt at `events`: how far it came, and why no further.
    async fn attempt(&self, duty: &Duty, events: &[Source<'_>], alone: bool) -> Answer {
        let (mut items, mut due, mut unread) = (Vec::new(), Vec::new(), None);
        for source in events {
            match self.item(source) {
                Ok(item) => {
                    due.push(item.is_some());
                    items.extend(item);
                }
                Err(failure) => {
                    unread = Some(failure);
                    break;
                }
            }
        }
        let (done, failure) = match items.is_empty() {
            true => Answer::default(),
            false => self.ask(duty, items, alone).await,
        };
        let mut done = done.into_iter();
        // What is not due is done once everything before it is.
        let end = |due: &bool| if *due { done.next() } else { Some(Done::default()) };
        let ends: Vec<_> = due.iter().map_while(end).collect();
        let through = ends.len() == due.len();
        (ends, failure.or(unread.filter(|_| through)))
    }

    async fn ask(&self, duty: &Duty, items: Vec<Item<F::When>>, alone: bool) -> Answer {
        let answer = self.table.gathering().submit(items, alone, tokio::time::Instant::now());
        self.table.changed.notify_one();
        answer.await.unwrap_or_else(|_| {
            let ended = || Failure::Halt("what handles the batches has ended".to_owned());
            let stops = duty.stop.is_cancelled().then_some(Failure::Interrupted);
            (Vec::new(), Some(stops.unwrap_or_else(ended)))
        })
    }

    /// The event as it is handed over; none if it does not concern the effect.
    fn item(&self, source: &Source<'_>) -> Result<Option<Item<F::When>>, Failure> {
        let event: Recorded<F::When> = source.record()?;
        if !guarded(|| Ok(self.effect.concerns(&event)))? {
            return Ok(None);
        }
        let bytes = match &source.element.data {
            Data::Json(json) => json.get().len(),
            Data::Base64 { text, .. } => text.len(),
        };
        let key = CommandId::derived(F::NAME, source.element.id, 0);
        let kind = source.element.kind.clone().into_owned();
        Ok(Some(Item { batched: Batched { event, kind, key }, bytes }))
    }

    /// Records the end of an event.
    async fn record(
        &self,
        source: &Source<'_>,
        trial: &mut Trial<'_>,
        end: Done,
    ) -> Result<(), Failure> {
        let duty = trial.duty;
        for (at, order) in end.orders.iter().enumerate() {
            let request = request(source, duty.name, at, order);
            // A refusal is kept and counted; what was done outside stands whatever it says.
            let _ = self.dispatch.carry(source, trial, &request).await?;
        }
        if let Some(reason) = end.skipped {
            duty.gauge.skipped();
            tracing::info!(handler = duty.name, event = %source.element.id, reason, "passed over");
        }
        Ok(())
    }
}

fn stopped(done: usize, failure: Failure, trial: &mut Trial<'_>) -> Handled {
    let failed: Attempts = std::mem::take(&mut trial.failed);
    Handled { done, failed: Some((failure, failed)) }
}
