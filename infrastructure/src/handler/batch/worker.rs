//! Handles one batch after the other. Not here: what becomes of an event that failed.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use kit::{Batch, BatchEffect, BatchOutcome, Batched, Outcome};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    super::{
        Failure,
        breaker::{Breaker, Permit},
        duty::Duty,
        failure::{in_time, overdue},
        orders::not_too_many,
    },
    gathering::{Done, Gathering, Taken},
};

type Results = Vec<Result<Done, Failure>>;

/// What those who submit events and the one who handles them share.
pub(super) struct Table<E> {
    gathering: Mutex<Gathering<E>>,
    pub(super) changed: Notify,
    /// Commits that wait behind what stands here.
    pub(super) behind: AtomicUsize,
}

impl<E> Table<E> {
    pub(super) fn new(gathering: Gathering<E>) -> Self {
        let (changed, behind) = (Notify::new(), AtomicUsize::new(0));
        Self { gathering: Mutex::new(gathering), changed, behind }
    }

    pub(super) fn gathering(&self) -> MutexGuard<'_, Gathering<E>> {
        // Every change under the lock is total.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handles what stands on the table, for one epoch.
pub(super) struct Worker<F: BatchEffect> {
    pub(super) effect: Arc<F>,
    pub(super) table: Arc<Table<F::When>>,
    pub(super) duty: Arc<Duty>,
    pub(super) breaker: Option<Breaker>,
}

impl<F: BatchEffect> Drop for Worker<F> {
    fn drop(&mut self) {
        // Nobody must wait for one that has ended, whatever ended it.
        self.table.gathering().abandon();
    }
}

impl<F: BatchEffect> Worker<F> {
    /// Works until the instance stops. What waits then has not been begun.
    pub(super) async fn work(self) {
        while self.due().await {
            let taken = self.table.gathering().take();
            let results = self.handle(taken).await;
            let mut gathering = self.table.gathering();
            for (number, results) in results {
                gathering.went(number, results);
            }
        }
        self.table.gathering().close();
    }

    /// Waits until a batch is due; false if the instance stops.
    async fn due(&self) -> bool {
        loop {
            let behind = self.table.behind.load(Ordering::Relaxed);
            let now = Instant::now();
            let due = self.table.gathering().due(behind, now);
            let stops = self.duty.stop.is_cancelled();
            if stops || due.is_some_and(|due| due <= now) {
                return !stops;
            }
            tokio::select! {
                () = self.duty.stop.cancelled() => {}
                () = self.table.changed.notified() => {}
                () = async { sleep_until(due.unwrap_or(now)).await }, if due.is_some() => {}
            }
        }
    }

    /// Handles a batch; one of which nobody knows at which event it failed in halves, down to the event
    /// that is to blame.
    async fn handle(&self, taken: Taken<F::When>) -> HashMap<u64, Results> {
        let mut results: HashMap<u64, Results> = HashMap::new();
        let (mut failed, mut parts) = (HashSet::new(), vec![taken]);
        while let Some(mut part) = parts.pop() {
            // Nothing overtakes an event of its key that failed.
            part.retain(|(number, _)| !failed.contains(number));
            if part.is_empty() {
                continue;
            }
            let (numbers, events): (Vec<u64>, Vec<Batched<F::When>>) = part.into_iter().unzip();
            let batch = Batch::new(events);
            let went = match self.attempt(&batch).await {
                Ok(went) => went,
                Err(_) if numbers.len() > 1 => {
                    let mut first: Taken<F::When> =
                        numbers.into_iter().zip(batch.into_events()).collect();
                    let second = first.split_off(first.len() / 2);
                    parts.extend([second, first]);
                    continue;
                }
                Err(failure) => vec![Err(failure)],
            };
            for (number, result) in numbers.into_iter().zip(went) {
                if failed.contains(&number) {
                    continue;
                }
                if result.is_err() {
                    failed.insert(number);
                }
                results.entry(number).or_default().push(result);
            }
        }
        results
    }

    /// One attempt at a batch: how each event went, or why it failed as a whole, at one of them.
    async fn attempt(&self, batch: &Batch<F::When>) -> Result<Results, Failure> {
        let all = |failure: Failure| Ok(batch.iter().map(|_| Err(failure.clone())).collect());
        if self.duty.stop.is_cancelled() {
            return all(Failure::Interrupted);
        }
        let permit = tokio::select! {
            () = self.duty.stop.cancelled() => return all(Failure::Interrupted),
            permit = self.admitted() => permit,
        };
        let span = tracing::info_span!("batch", handler = self.duty.name, events = batch.len());
        let run = in_time(F::TIME_LIMIT, async { self.effect.run(batch).await });
        let outcome = tracing::Instrument::instrument(run, span).await?;
        let cut_off = || BatchOutcome::Away { reason: overdue(F::TIME_LIMIT) };
        let went = match outcome.unwrap_or_else(cut_off) {
            BatchOutcome::Refused { reason } => return Err(Failure::Asked(reason)),
            BatchOutcome::Away { reason } => {
                if let Some(permit) = permit {
                    permit.failed();
                }
                return all(Failure::Transient(reason));
            }
            BatchOutcome::Done => Vec::new(),
            BatchOutcome::Each(went) => went,
        };
        let mut outcomes: HashMap<usize, Outcome> = HashMap::new();
        for (place, outcome) in went {
            if place >= batch.len() {
                return all(Failure::Bug(format!("the batch has no place {place}")));
            }
            outcomes.entry(place).or_insert(outcome);
        }
        let is_away = |it: &Outcome| matches!(it, Outcome::Away { .. } | Outcome::Unknown { .. });
        let away = outcomes.values().any(is_away);
        let results: Results = batch
            .iter()
            .map(|(place, _)| outcomes.remove(&place).map_or(Ok(Done::default()), result))
            .collect();
        let any = results.iter().any(Result::is_ok);
        if any {
            self.duty.pressure.note_answer();
        }
        match permit {
            Some(permit) if away => permit.failed(),
            Some(permit) if any => permit.succeeded(),
            _ => {}
        }
        Ok(results)
    }

    async fn admitted(&self) -> Option<Permit> {
        match &self.breaker {
            Some(breaker) => Some(breaker.admit().await),
            None => None,
        }
    }
}

/// How one event went.
fn result(outcome: Outcome) -> Result<Done, Failure> {
    match outcome {
        Outcome::Done(orders) => {
            not_too_many(&orders)?;
            Ok(Done { orders, skipped: None })
        }
        Outcome::Skip { reason, orders } => {
            not_too_many(&orders)?;
            Ok(Done { orders, skipped: Some(reason) })
        }
        Outcome::Away { reason } | Outcome::Unknown { reason } => Err(Failure::Transient(reason)),
        Outcome::Retry { after, reason } => Err(Failure::Later { after, reason }),
        Outcome::Park { reason } => Err(Failure::Asked(reason)),
        Outcome::Halt { reason } => Err(Failure::Halt(reason)),
    }
}
