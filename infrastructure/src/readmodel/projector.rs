//! Runs a projection for one epoch: commits in the order of the log, as many at a time as are
//! there, each batch one transaction.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use kit::Position;
use nats::Subject;

use super::{AnyProjection, Touch, batch::ApplyError, generation::Generation, store::Store};
use crate::{
    envelope,
    handler::{Delivery, Duty, Ended, EventType, Failure, Feed, Item, Source, place},
};

/// Runs `projection` until it is stopped, lost or halted.
pub(crate) async fn run(
    duty: Duty,
    projection: Arc<dyn AnyProjection>,
    store: Store,
    mut generations: Vec<Generation>,
    mut feed: Feed,
) -> Ended {
    loop {
        let first = tokio::select! {
            biased;
            () = duty.lost.cancelled() => return Ended::Lost,
            () = duty.stop.cancelled() => return Ended::Stopped,
            item = feed.next() => item,
        };
        let Some(first) = first else { return Ended::Lost };
        let mut batch = Batch::default();
        batch.take(first, &duty, &*projection);
        while batch.commits < duty.options.batch_max
            && batch.failed.is_none()
            && let Some(item) = feed.ready()
        {
            batch.take(item, &duty, &*projection);
        }
        if let Err(ended) = batch.apply(&duty, &*projection, &store, &mut generations).await {
            return ended;
        }
    }
}

/// Events read but not yet folded.
#[derive(Default)]
struct Batch {
    touches: Vec<Touch>,
    commits: usize,
    /// Everything up to here is in `touches`.
    to: Position,
    pending: u64,
    /// Every event up to `to`, whether it touches a document or not.
    events: Vec<(Position, Arc<EventType>)>,
    /// When the first and the last commit were stored.
    stored: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Why the commit after `to` cannot be read.
    failed: Option<Failure>,
}

impl Batch {
    fn take(&mut self, item: Item, duty: &Duty, projection: &dyn AnyProjection) {
        match item {
            Item::Nothing(position) => (self.to, self.pending) = (position, 0),
            Item::Commit(delivery) => match read(&delivery, duty, projection) {
                Ok((touches, types)) => {
                    let position = delivery.position;
                    self.events.extend(types.into_iter().map(|it| (position, it)));
                    let first = self.stored.map_or(delivery.time, |(first, _)| first);
                    self.stored = Some((first, delivery.time));
                    self.touches.extend(touches);
                    self.commits += 1;
                    (self.to, self.pending) = (position, delivery.pending);
                }
                Err(failure) => self.failed = Some(failure),
            },
        }
    }

    async fn apply(
        mut self,
        duty: &Duty,
        projection: &dyn AnyProjection,
        store: &Store,
        generations: &mut [Generation],
    ) -> Result<(), Ended> {
        let begun = Instant::now();
        while generations.iter().any(|generation| generation.position < self.to) {
            match self.persist(duty, projection, store, generations).await? {
                None => break,
                // Everything before the commit at fault is still good.
                Some((position, failure)) => {
                    self.touches.retain(|touch| touch.position < position);
                    self.to = Position(position.0.saturating_sub(1));
                    self.failed = Some(failure);
                }
            }
        }
        let position = generations.iter().map(|generation| generation.position).min();
        let position = position.unwrap_or_default();
        self.count(duty, position, begun.elapsed());
        let held_up = self.failed.is_some() || self.pending > 0;
        let oldest = self.stored.map(|(_, last)| last).filter(|_| held_up);
        duty.gauge.progress(position.0, self.pending, oldest);
        match self.failed {
            None => Ok(()),
            Some(failure) => Err(Ended::Halted(failure.to_string())),
        }
    }

    /// Counts the events up to `position`. What a transaction took, its events took together.
    fn count(&self, duty: &Duty, position: Position, elapsed: Duration) {
        let events = || self.events.iter().filter(|(at, _)| *at <= position);
        let each = elapsed / u32::try_from(events().count()).unwrap_or(u32::MAX).max(1);
        for (_, kind) in events() {
            duty.gauge.events.count(kind, each);
        }
    }

    /// Applies the batch, as often as the store is away; `Some` if an event in it is at fault.
    async fn persist(
        &self,
        duty: &Duty,
        projection: &dyn AnyProjection,
        store: &Store,
        generations: &mut [Generation],
    ) -> Result<Option<(Position, Failure)>, Ended> {
        let (mut backoff, mut failures) = (duty.backoff(), 0);
        loop {
            let applied = store.apply(generations, projection, &self.touches, self.to).await;
            let error = match applied {
                Ok(()) => {
                    if failures > 0 {
                        duty.gauge.recovered();
                    }
                    return Ok(None);
                }
                Err(ApplyError::Event { position, index, failure }) => {
                    let told = format!("{} at {position}.{index}: {failure}", projection.name());
                    return Ok(Some((position, Failure::Permanent(told))));
                }
                Err(ApplyError::Fenced) => return Err(Ended::Lost),
                Err(ApplyError::Sql(error)) => error.to_string(),
            };
            tracing::warn!(handler = duty.name, "the store did not take a batch: {error}");
            duty.gauge.retrying(&error, failures == 0);
            duty.gauge.held_up(self.stored.map(|(first, _)| first));
            failures += 1;
            tokio::select! {
                () = duty.lost.cancelled() => return Err(Ended::Lost),
                go_on = duty.pause(backoff.next()) => if !go_on { return Err(Ended::Stopped) },
            }
        }
    }
}

/// The events of one commit that touch a document, and the types of all of them.
fn read(
    delivery: &Delivery,
    duty: &Duty,
    projection: &dyn AnyProjection,
) -> Result<(Vec<Touch>, Vec<Arc<EventType>>), Failure> {
    let at = |failure, index| place(failure, delivery, index);
    let Some(Subject::Event { aggregate, .. }) = Subject::parse(&delivery.subject) else {
        let foreign = "the subject is not an aggregate's".to_owned();
        return Err(at(Failure::Permanent(foreign), None));
    };
    let elements = envelope::decode(&delivery.body)
        .map_err(|corrupt| at(Failure::Permanent(envelope::fault::of_commit(&corrupt)), None))?;
    let (mut touches, mut types) = (Vec::new(), Vec::with_capacity(elements.len()));
    for (index, element) in elements.iter().enumerate() {
        let source = Source { aggregate: &aggregate, element, position: delivery.position, index };
        let touch = projection.touch(&source).map_err(|failure| at(failure, Some(index)))?;
        touches.extend(touch);
        types.push(duty.gauge.events.of_type(&element.kind, &aggregate));
    }
    Ok((touches, types))
}
