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

use chrono::Utc;
use nats::Subject;

use super::{
    Failure, Source,
    duty::Duty,
    failure::place,
    feed::Delivery,
    runner::Reactor,
    trial::{Attempts, Trial},
};
use crate::{
    deadletter::{
        self, Book, BookError, Cursor, Fact, Json, Original, Parked, Place, Record, Room,
    },
    envelope::{self, Data, Element},
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
            let mut trial = Trial::new(&self.duty, self.reactor.retries(), at);
            if let Err(failure) = self.reactor.react(source, &mut trial).await {
                let failed = std::mem::take(&mut trial.failed);
                drop(trial);
                return self.park(delivery, index, Some(element), failure, failed).await;
            }
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
        let Some(class) = failure.class() else {
            return Err(place(failure, delivery, element.map(|_| index)));
        };
        let key = delivery.subject.as_str();
        let room = self.room(key).await?;
        let event = Place {
            id: element.map(|element| element.id),
            kind: element.map(|element| element.kind.clone().into_owned()),
            at: Cursor { position: delivery.position, index },
        };
        let before = self.book.head(key).filter(|head| head.event == event);
        let last = failed.last.last().map_or_else(Utc::now, |attempt| attempt.time);
        let first = failed.last.first().map_or(last, |attempt| attempt.time);
        let recent = failed.last.into_iter();
        let parked = Parked {
            class,
            errors: vec![failure.to_string()],
            attempts: before.as_ref().map_or(0, |head| head.attempts).saturating_add(failed.count),
            recent: recent
                .map(|it| deadletter::Attempt { time: it.time, error: it.error })
                .collect(),
            first: before.map_or(first, |head| head.first),
            last,
            original: Original::new(key, delivery.headers.as_ref(), &delivery.body),
            epoch: self.book.epoch(),
            event,
        };
        let (handler, at) = (self.duty.name, parked.event.at);
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
        let mut crowded = None;
        loop {
            let changed = self.book.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(room) = self.book.room(key, most) {
                if crowded.is_some() {
                    self.duty.gauge.running(self.duty.epoch);
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
                () = changed => {}
                () = self.duty.stop.cancelled() => return Err(Failure::Interrupted),
            }
        }
    }

    /// Waits for a record to be written, unless the instance stops.
    pub(crate) async fn write(
        &self,
        writing: impl Future<Output = Result<(), BookError>>,
    ) -> Result<(), Failure> {
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

/// The event with the data that somebody chose instead of its own.
pub(crate) fn overridden<'a>(
    element: &Element<'a>,
    data: &'a Json,
    schema_version: Option<u32>,
) -> Element<'a> {
    Element {
        data: Data::Json(&data.0),
        schema_version: schema_version.unwrap_or(element.schema_version),
        ..element.clone()
    }
}
