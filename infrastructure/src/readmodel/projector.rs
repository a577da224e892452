//! Runs some generations of a projection: commits in the order of the log, as many at a time as are
//! there, each batch one transaction. An event that cannot be folded is parked, and its key waits.
//! Not here: making good what waits.

use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use kit::Position;

use super::{
    AnyProjection,
    batch::ApplyError,
    generation::Generation,
    letters::Letters,
    reading::{Fault, Known, Reader, Reading},
    store::Store,
};
use crate::{
    deadletter::{BookError, Cursor, Facts, Record},
    envelope,
    handler::{Attempts, Backoff, Delivery, Duty, Ended, Feed, Item, Log, Waits, dead_letter},
};

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

/// Commits that have come and are not in the rows.
#[derive(Default)]
struct Batch {
    deliveries: VecDeque<Delivery>,
    /// Nothing else comes up to here.
    to: Position,
    pending: u64,
    /// When the first and the last commit were stored.
    stored: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Batch {
    fn take(&mut self, item: Item) {
        match item {
            Item::Nothing(position) => (self.to, self.pending) = (position, 0),
            Item::Commit(delivery) => {
                (self.to, self.pending) = (delivery.position, delivery.pending);
                let first = self.stored.map_or(delivery.time, |(first, _)| first);
                self.stored = Some((first, delivery.time));
                self.deliveries.push_back(delivery);
            }
        }
    }
}

impl Projector {
    /// Runs until it is stopped, lost or halted.
    pub(crate) async fn run(mut self, mut feed: Feed) -> Ended {
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
                    let mut batch = Batch::default();
                    batch.take(first);
                    while batch.deliveries.len() < self.duty.options.batch_max
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
    async fn fold(&mut self, mut batch: Batch) -> Result<(), Ended> {
        loop {
            let begun = Instant::now();
            let mut reading = self.reader().read(&batch.deliveries, batch.to);
            let overfull = self.overfull(&mut reading);
            self.held_up = batch.stored.map(|(first, _)| first);
            if let Some(fault) = self.apply(&mut reading).await? {
                reading.fault = Some(fault);
            }
            self.passed(&reading);
            self.count(&reading, begun.elapsed());
            batch.deliveries.retain(|delivery| delivery.position > reading.to);
            match (reading.fault, overfull) {
                (Some(fault), _) => {
                    let at = fault.at.position;
                    let found = batch.deliveries.iter().find(|it| it.position == at).cloned();
                    let lost = || Ended::Halted(format!("no event at {at}"));
                    self.park(&found.ok_or_else(lost)?, fault).await?;
                }
                (None, Some(reason)) => self.wait_for_room(reason).await?,
                (None, None) => break,
            }
        }
        let position = self.generations.iter().map(|generation| generation.position).min();
        let oldest = batch.stored.map(|(_, last)| last).filter(|_| batch.pending > 0);
        self.duty.gauge.progress(position.unwrap_or_default().0, batch.pending, oldest);
        Ok(())
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

    /// Parks the key of `delivery` at the event that failed.
    pub(super) async fn park(&mut self, delivery: &Delivery, fault: Fault) -> Result<(), Ended> {
        let Fault { at, whole, failure } = fault;
        let key = delivery.subject.as_str();
        let elements = if whole { None } else { envelope::decode(&delivery.body).ok() };
        let element = elements.as_ref().and_then(|elements| elements.get(at.index));
        let failed = Attempts::one(failure.to_string());
        let letters = Arc::clone(&self.letters);
        let event = (at.index, element);
        let parked = dead_letter(&letters.book, delivery, event, &failure, failed);
        let Some(parked) = parked else {
            return Err(Ended::Halted(format!("{key} at {at}: {failure}")));
        };
        let most = self.duty.options.parked_keys_max;
        let room = loop {
            if let Some(room) = letters.book.room(key, most) {
                break room;
            }
            let reason = format!("{most} keys are parked, and no more may; {key} is the next");
            self.wait_for_room(reason).await?;
        };
        let (handler, class) = (self.duty.name, parked.class);
        tracing::error!(handler, key, %at, ?class, "parked: {failure}");
        self.reach("park.before").await;
        self.write(letters.book.append(key, Record::Parked(Box::new(parked)))).await?;
        self.reach("park.after").await;
        drop(room);
        Ok(())
    }

    /// Stands still until something has changed, doing what is due about keys meanwhile.
    async fn wait_for_room(&mut self, reason: String) -> Result<(), Ended> {
        tracing::error!(handler = self.duty.name, "halted: {reason}");
        self.duty.gauge.halted(reason);
        let mut changes = self.letters.book.changes();
        if !self.do_what_is_due().await? {
            tokio::select! {
                biased;
                () = self.duty.lost.cancelled() => return Err(Ended::Lost),
                () = self.duty.stop.cancelled() => return Err(Ended::Stopped),
                _ = changes.changed() => {}
            }
        }
        self.duty.gauge.running(self.duty.epoch);
        Ok(())
    }

    /// Why no more may wait, if so; then `reading` ends before the first commit that would.
    fn overfull(&self, reading: &mut Reading) -> Option<String> {
        if !self.leads {
            return None;
        }
        let waits = self.waits();
        let full = reading.passed.iter().find_map(|passed| {
            waits.full(&passed.subject).map(|reason| (passed.from.position, reason))
        });
        drop(waits);
        let (position, reason) = full?;
        reading.cut(position);
        reading.fault = None;
        Some(reason)
    }

    fn passed(&mut self, reading: &Reading) {
        for passed in reading.passed.iter().filter(|passed| passed.from.position <= reading.to) {
            self.owed.insert(passed.subject.clone());
            if self.leads {
                self.waits().pass(&passed.subject, passed.from.position);
            }
        }
    }

    pub(super) fn waits(&self) -> MutexGuard<'_, Waits> {
        // Every change under the lock is total, so poison says nothing about the counts.
        self.letters.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let waiting = self.waits().total();
        self.duty.gauge.parked(self.letters.book.parked() as u64, waiting);
    }

    /// Waits for records to be written, unless the instance stops or loses the projection.
    pub(super) async fn write<T>(
        &self,
        writing: impl Future<Output = Result<T, BookError>>,
    ) -> Result<T, Ended> {
        let written = tokio::select! {
            biased;
            written = writing => written,
            () = self.duty.lost.cancelled() => return Err(Ended::Lost),
            () = self.duty.stop.cancelled() => return Err(Ended::Stopped),
        };
        written.map_err(|error| match error {
            BookError::Fenced => Ended::Lost,
            error => Ended::Halted(error.to_string()),
        })
    }

    pub(super) async fn reach(&self, name: &'static str) {
        self.duty.options.fail_points.reach(name).await;
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

/// Attempts at the store, made again for as long as it is away.
pub(super) struct Patience<'a> {
    duty: &'a Duty,
    backoff: Backoff,
    failures: u32,
    /// When the oldest commit was stored that waits meanwhile.
    oldest: Option<DateTime<Utc>>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(duty: &'a Duty, oldest: Option<DateTime<Utc>>) -> Self {
        Self { duty, backoff: duty.backoff(), failures: 0, oldest }
    }

    /// Takes the end of one attempt: what came of it, or the event that is at fault; `None`, after a
    /// while, if the store is away.
    pub(super) async fn take<T>(
        &mut self,
        attempt: Result<T, ApplyError>,
    ) -> Result<Option<Result<T, Fault>>, Ended> {
        let error = match attempt {
            Ok(done) => {
                if self.failures > 0 {
                    self.duty.gauge.recovered();
                }
                return Ok(Some(Ok(done)));
            }
            Err(ApplyError::Event { position, index, failure }) => {
                let at = Cursor { position, index };
                return Ok(Some(Err(Fault { at, whole: false, failure })));
            }
            Err(ApplyError::Fenced) => return Err(Ended::Lost),
            Err(ApplyError::Sql(error)) => error.to_string(),
        };
        tracing::warn!(handler = self.duty.name, "the store did not take a batch: {error}");
        self.duty.gauge.retrying(&error, self.failures == 0);
        self.duty.gauge.held_up(self.oldest);
        self.failures += 1;
        tokio::select! {
            () = self.duty.lost.cancelled() => Err(Ended::Lost),
            go_on = self.duty.pause(self.backoff.next()) => {
                if go_on { Ok(None) } else { Err(Ended::Stopped) }
            }
        }
    }
}
