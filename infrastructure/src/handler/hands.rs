//! Handling the events of one commit: each in its turn, with what was decided about it, and parked
//! if it fails for good. Not here: which commit comes when.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use chrono::{DateTime, Utc};
use nats::Subject;

use super::{
    Failure, Source,
    dead_letter::{dead_letter, overridden},
    deliveries::Delivery,
    duty::Duty,
    failure::place,
    runner::Reactor,
    trial::{Attempts, Occasion, Trial},
};
use crate::{
    deadletter::{Book, BookError, Cursor, Fact, Record, Room},
    envelope::{self, Element},
};

/// How handling one commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// All of it is handled.
    Done,
    /// Its key stands still, at one of its events or before.
    Waits,
}

/// The part of a commit that is to be handled.
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

/// What handles the events of one handler in one epoch.
pub(crate) struct Hands {
    pub(crate) duty: Arc<Duty>,
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) book: Arc<Book>,
    /// How many failed events wait for room among the dead letters.
    pub(crate) crowded: AtomicUsize,
}

impl Hands {
    /// Handles `stretch` of one commit, one event after the other.
    pub(crate) async fn settle(
        &self,
        delivery: &Delivery,
        stretch: Stretch,
    ) -> Result<Settled, Failure> {
        let Some(Subject::Event { aggregate, .. }) = Subject::parse(&delivery.subject) else {
            // Without an aggregate there is no key that could stand still.
            let foreign = Failure::Halt("the subject is not an aggregate's".to_owned());
            return Err(place(foreign, delivery, None));
        };
        let facts = self.book.facts(&delivery.subject);
        let facts = facts.as_deref();
        let elements = match envelope::decode(&delivery.body) {
            Ok(elements) => elements,
            Err(corrupt) => {
                if facts.and_then(|it| it.of_commit(delivery.position)) == Some(&Fact::Discarded) {
                    return Ok(Settled::Done);
                }
                let failure = Failure::Permanent(envelope::fault::of_commit(&corrupt));
                let failed = Attempts::one(failure.to_string());
                return self.park(delivery, 0, None, failure, failed).await;
            }
        };
        let mut fresh = true;
        for (index, element) in elements.iter().enumerate() {
            let at = Cursor { position: delivery.position, index };
            if at < stretch.from {
                continue;
            }
            if stretch.until.is_some_and(|until| at >= until) {
                return Ok(Settled::Waits);
            }
            let replaced;
            let element = match facts.and_then(|facts| facts.of_event(element.id)) {
                None => element,
                Some(Fact::Discarded) => continue,
                Some(Fact::Overridden { data, schema_version }) => {
                    replaced = overridden(element, data, *schema_version);
                    &replaced
                }
            };
            let source =
                Source { aggregate: &aggregate, element, position: delivery.position, index };
            let begun = Instant::now();
            let asked = stretch.asked.filter(|_| at == stretch.from);
            let occasion = Occasion { fresh, drained: stretch.drained, asked };
            let mut trial = Trial::new(&self.duty, self.reactor.retries(), at, occasion);
            if let Err(failure) = self.reactor.react(source, &mut trial).await {
                let failed = std::mem::take(&mut trial.failed);
                drop(trial);
                return self.park(delivery, index, Some(element), failure, failed).await;
            }
            fresh = false;
            let events = &self.duty.gauge.events;
            events.count(&events.of_type(&element.kind, &aggregate), begun.elapsed());
        }
        Ok(Settled::Done)
    }

    /// Parks the key at the event that failed, durably, or says why it is not to be parked.
    async fn park(
        &self,
        delivery: &Delivery,
        index: usize,
        element: Option<&Element<'_>>,
        failure: Failure,
        failed: Attempts,
    ) -> Result<Settled, Failure> {
        let index = element.map(|element| (index, element));
        let key = delivery.subject.as_str();
        let place_of = |failure| place(failure, delivery, index.map(|(index, _)| index));
        if failure.class().is_none() {
            return Err(place_of(failure));
        }
        let room = self.room(key).await?;
        let event = (index.map_or(0, |(index, _)| index), element);
        let Some(parked) = dead_letter(&self.book, delivery, event, &failure, failed) else {
            return Err(place_of(failure));
        };
        let (handler, at, class) = (self.duty.name, parked.event.at, parked.class);
        tracing::error!(handler, key, %at, ?class, "parked: {failure}");
        self.duty.options.fail_points.reach("park.before").await;
        self.write(self.book.append(key, Record::Parked(Box::new(parked)))).await?;
        drop(room);
        self.duty.options.fail_points.reach("park.after").await;
        Ok(Settled::Waits)
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
