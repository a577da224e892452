//! Runs some generations of a projection: commits in the order of the log, as many at a time as are
//! there, each batch one transaction. An event that cannot be folded is parked, and its key waits.
//! Not here: making good what waits.

mod parking;
mod patience;
mod taken;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use self::taken::Taken;
use super::{
    AnyProjection,
    generation::Generation,
    letters::Letters,
    reading::{Fault, Known, ReadAhead, Reader, Reading},
    store::Store,
};
use crate::{
    deadletter::{Cursor, Facts},
    handler::{Duty, Ended, Feed, Log},
};

pub(super) use self::patience::Patience;

/// Generations that are fed as one.
pub(crate) struct Projector {
    pub(crate) duty: Duty,
    pub(crate) projection: Arc<dyn AnyProjection>,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) letters: Arc<Letters>,
    /// Whether these generations do what is due about a key, and release it.
    pub(crate) leads: bool,
    pub(crate) generations: Vec<Generation>,
    /// Subjects of which some generation here owes events.
    pub(super) owed: HashSet<String>,
    /// Drains so far; names their consumers.
    pub(super) drains: u64,
    /// When the oldest commit was stored that waits for the store.
    pub(super) held_up: Option<DateTime<Utc>>,
}

impl Projector {
    /// Runs until it is stopped, lost or halted.
    pub(crate) async fn run(mut self, mut feed: Feed<ReadAhead>) -> Ended {
        let mut changes = self.letters.book.changes();
        // What stands in the store and in the book is looked at before the first event.
        changes.mark_changed();
        loop {
            let first = tokio::select! {
                biased;
                () = self.duty.lost.cancelled() => return Ended::Lost,
                () = self.duty.stop.cancelled() => return Ended::Stopped,
                Ok(()) = changes.changed() => None,
                item = feed.next() => match item {
                    None => return Ended::Lost,
                    item => item,
                },
            };
            let done = match first {
                None => self.make_good().await,
                Some(first) => {
                    let mut batch = Taken::default();
                    batch.take(first);
                    while !batch.is_full(self.duty.options.batch_max)
                        && let Some(item) = feed.ready()
                    {
                        batch.take(item);
                    }
                    self.fold(batch).await
                }
            };
            if let Err(ended) = done {
                return ended;
            }
            self.show();
        }
    }

    /// Brings a batch into the rows, parking what cannot be folded on the way.
    async fn fold(&mut self, mut batch: Taken) -> Result<(), Ended> {
        let taken = batch.commits.iter().map(|commit| commit.delivery.position.0);
        self.duty.gauge.in_hand(batch.to.0, taken);
        loop {
            let begun = Instant::now();
            let mut reading =
                self.reader().read(batch.commits.iter_mut().map(ReadAhead::take), batch.to);
            let overfull = self.overfull(&mut reading);
            self.held_up = batch.stored.map(|(first, _)| first);
            if let Some(fault) = self.apply(&mut reading).await? {
                reading.fault = Some(fault);
            }
            self.passed(&reading);
            self.count(&reading, begun.elapsed());
            batch.commits.retain(|commit| commit.delivery.position > reading.to);
            match (reading.fault, overfull) {
                (Some(fault), _) => {
                    let at = fault.at.position;
                    // It may wait for room among the dead letters.
                    self.stands(&batch);
                    let mut deliveries = batch.commits.iter().map(|commit| &commit.delivery);
                    let found = deliveries.find(|it| it.position == at).cloned();
                    let lost = || Ended::Halted(format!("no event at {at}"));
                    self.park(&found.ok_or_else(lost)?, fault).await?;
                }
                (None, Some(reason)) => self.wait_for_room(reason).await?,
                (None, None) => break,
            }
        }
        let position = self.generations.iter().map(|generation| generation.position).min();
        let oldest = batch.stored.map(|(_, last)| last).filter(|_| batch.pending > 0);
        self.duty.gauge.in_hand(batch.to.0, std::iter::empty());
        self.duty.gauge.progress(position.unwrap_or_default().0, batch.pending, oldest);
        Ok(())
    }

    /// Says what stands behind the rows when a part of `batch` is in them.
    fn stands(&self, batch: &Taken) {
        let position = self.generations.iter().map(|generation| generation.position).min();
        let behind = batch.pending + batch.commits.len() as u64;
        let oldest = batch.commits.front().map(|commit| commit.delivery.time);
        self.duty.gauge.progress(position.unwrap_or_default().0, behind, oldest);
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { projection: &*self.projection, known: self, meter: &self.duty.gauge.events }
    }

    /// Counts the events that are in the rows now. What a transaction took, they took together.
    pub(super) fn count(&self, reading: &Reading, elapsed: Duration) {
        let events = u32::try_from(reading.types.len()).unwrap_or(u32::MAX);
        let each = elapsed / events.max(1);
        for (_, kind) in &reading.types {
            self.duty.gauge.events.count(kind, each);
        }
    }

    /// Writes what was read; the fault, if an event cannot be folded. Everything before it is.
    async fn apply(&mut self, reading: &mut Reading) -> Result<Option<Fault>, Ended> {
        let mut found = None;
        while self.generations.iter().any(|generation| generation.position < reading.to) {
            let mut patience = Patience::new(&self.duty, self.held_up);
            let applied = loop {
                let read = (&*reading.touches, &*reading.passed, &*reading.marks);
                let (generations, projection) = (&mut self.generations, &*self.projection);
                let applied = self.store.apply(generations, projection, read, reading.to).await;
                if let Some(applied) = patience.take(applied).await? {
                    break applied;
                }
            };
            let Err(fault) = applied else { break };
            reading.cut(fault.at.position);
            found = Some(fault);
        }
        Ok(found)
    }

    fn show(&self) {
        let waiting = self.waits().total();
        self.duty.gauge.parked(self.letters.book.parked() as u64, waiting);
    }
}

impl Known for Projector {
    fn waits_from(&self, subject: &str) -> Option<Cursor> {
        let parked = self.letters.book.at(subject);
        // Nothing of what is owed is read before that is made good.
        parked.or_else(|| self.owed.contains(subject).then(Cursor::default))
    }

    fn facts(&self, subject: &str) -> Option<Arc<Facts>> {
        self.letters.book.facts(subject)
    }
}
