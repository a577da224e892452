//! Handling the events of some commits of one key: each in its turn, with what was decided about it,
//! and parked if it fails for good. Not here: which commit comes when.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, Utc};
use nats::Subject;

use super::{
    Failure,
    dead_letter::dead_letter,
    deliveries::Delivery,
    duty::Duty,
    failure::place,
    reactor::{Handled, RunHandler},
    reading::{End, Reading},
    trial::{Attempts, Occasion},
};
use crate::{
    deadletter::{Book, BookError, Cursor, Record, Room},
    envelope::{self, Element},
};

/// How handling a run of commits went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// All of it is handled.
    Done,
    /// The key stands still, at an event of this commit of the run or before; all before is handled.
    Waits(usize),
    /// The instance stops at an event of this commit of the run; all before is handled.
    Stopped(usize),
}

/// The part of a run of commits that is to be handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// The first event.
    pub(crate) from: Cursor,
    /// The first one that is not to be handled.
    pub(crate) until: Option<Cursor>,
    /// Whether a drain handles it.
    pub(crate) drained: bool,
    /// When somebody asked for another attempt at the first event, if so.
    pub(crate) asked: Option<DateTime<Utc>>,
}

impl Stretch {
    /// What the event at `at` is handled for; `fresh` if nothing of the stretch has begun.
    pub(crate) fn occasion(&self, at: Cursor, fresh: bool) -> Occasion {
        let asked = self.asked.filter(|_| at == self.from);
        Occasion { fresh, drained: self.drained, asked }
    }
}

/// What handles the events of one handler in one epoch.
pub(crate) struct Hands {
    pub(crate) duty: Arc<Duty>,
    pub(crate) reactor: Arc<dyn RunHandler>,
    pub(crate) book: Arc<Book>,
    /// How many failed events wait for room among the dead letters.
    pub(crate) crowded: AtomicUsize,
}

impl Hands {
    /// Handles `stretch` of a run of commits of one key, in order.
    pub(crate) async fn settle(
        &self,
        run: &[Delivery],
        stretch: Stretch,
    ) -> Result<Settled, Failure> {
        let Some(first) = run.first() else { return Ok(Settled::Done) };
        let Some(Subject::Event { aggregate, .. }) = Subject::parse(&first.subject) else {
            // Without an aggregate there is no key that could stand still.
            let foreign = Failure::Halt("the subject is not an aggregate's".to_owned());
            return Err(place(foreign, first, None));
        };
        let facts = self.book.facts(&first.subject);
        let reading = Reading::of(run, stretch, facts.as_deref());
        let events = reading.sources(&aggregate);
        let Handled { done, failed } = self.reactor.handle(&self.duty, &events, stretch).await;
        if let Some((failure, failed)) = failed {
            // Whatever says that all are done and one has failed is a bug, and loses nothing.
            let event = events.get(done).or(events.last());
            let at = event.and_then(|of| run.iter().position(|it| it.position == of.position));
            let at = at.unwrap_or_default();
            if failure == Failure::Interrupted {
                return Ok(Settled::Stopped(at));
            }
            let delivery = run.get(at).unwrap_or(first);
            let event = event.map(|event| (event.index, event.element));
            self.park(delivery, event, failure, failed).await?;
            return Ok(Settled::Waits(at));
        }
        match reading.end {
            End::All => Ok(Settled::Done),
            End::Waits(at) => Ok(Settled::Waits(at)),
            End::Corrupt(at, corrupt) => {
                let failure = Failure::Permanent(envelope::fault::of_commit(&corrupt));
                let failed = Attempts::one(failure.to_string());
                self.park(run.get(at).unwrap_or(first), None, failure, failed).await?;
                Ok(Settled::Waits(at))
            }
        }
    }

    /// Parks the key at the event that failed, durably, or says why it is not to be parked.
    async fn park(
        &self,
        delivery: &Delivery,
        event: Option<(usize, &Element<'_>)>,
        failure: Failure,
        failed: Attempts,
    ) -> Result<(), Failure> {
        let key = delivery.subject.as_str();
        let place_of = |failure| place(failure, delivery, event.map(|(index, _)| index));
        if failure.class().is_none() {
            return Err(place_of(failure));
        }
        let room = self.room(key).await?;
        let event = (event.map_or(0, |(index, _)| index), event.map(|(_, element)| element));
        let Some(parked) = dead_letter(&self.book, delivery, event, &failure, failed) else {
            return Err(place_of(failure));
        };
        let (handler, at, class) = (self.duty.name, parked.event.at, parked.class);
        tracing::error!(handler, key, %at, ?class, "parked: {failure}");
        self.duty.options.fail_points.reach("park.before").await;
        self.duty.gauge.fails(at);
        let written = self.write(self.book.append(key, Record::Parked(Box::new(parked)))).await;
        self.duty.gauge.fails_no_more(at);
        written?;
        drop(room);
        self.duty.options.fail_points.reach("park.after").await;
        Ok(())
    }

    /// Waits until one more key may be parked. Meanwhile the handler stands still, for all to see.
    async fn room(&self, key: &str) -> Result<Room<'_>, Failure> {
        let most = self.duty.options.parked_keys_max;
        let (mut crowded, mut changes) = (None, self.book.changes());
        loop {
            changes.mark_unchanged();
            if let Some(room) = self.book.room(key, most) {
                if crowded.is_some() {
                    self.duty.gauge.relieved();
                }
                return Ok(room);
            }
            if crowded.is_none() {
                crowded = Some(Crowded::new(&self.crowded));
                let reason = format!("{most} keys are parked, and no more may; {key} is the next");
                tracing::error!(handler = self.duty.name, "halted: {reason}");
                self.duty.gauge.halted(reason);
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = self.duty.stop.cancelled() => return Err(Failure::Interrupted),
            }
        }
    }

    /// Waits for records to be written, unless the instance stops.
    pub(crate) async fn write<T>(
        &self,
        writing: impl Future<Output = Result<T, BookError>>,
    ) -> Result<T, Failure> {
        let written = tokio::select! {
            biased;
            written = writing => written,
            () = self.duty.stop.cancelled() => return Err(Failure::Interrupted),
        };
        written.map_err(|error| match error {
            BookError::Fenced => {
                self.duty.lost.cancel();
                Failure::Interrupted
            }
            error => Failure::Halt(error.to_string()),
        })
    }
}

/// Counts one for as long as it lives.
struct Crowded<'a>(&'a AtomicUsize);

impl<'a> Crowded<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Crowded<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
