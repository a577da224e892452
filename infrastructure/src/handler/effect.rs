//! Effects: their types erased, and what they answer turned into what the runner does next.
//! Not here: which event comes when, which the runner knows, and how an order is sent.

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use kit::{CommandId, Delivery, Effect, Order, Outcome, Recorded, Retries, Start};
use tracing::Instrument as _;

use super::{
    Failure, Source,
    breaker::{Breaker, Permit},
    failure::{guarded, in_time, overdue},
    orders::{Dispatch, ORDERS_MAX, TakenUp, not_too_many, request, unwritable},
    reactor::Reactor,
    trial::Trial,
};
use crate::{fail_points, telemetry};

/// What an effect may be asked to record beside the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Intent,
    Withdrawn,
    Interrupted,
}

/// Any [`Effect`].
pub(crate) trait AnyEffect: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn retries(&self) -> Retries;
    fn dependency(&self) -> Option<&'static str>;
    fn aggregates(&self) -> Vec<&'static str>;
    /// Whether what is sealed is to be opened for it.
    fn opens(&self) -> bool {
        true
    }
    /// What it promises for the event; none if the event does not concern it.
    fn delivery(&self, source: &Source<'_>) -> Result<Option<Delivery>, Failure>;
    fn note(&self, source: &Source<'_>, note: Note) -> Result<Vec<Order>, Failure>;
    fn perform<'a>(
        &'a self,
        source: Source<'a>,
        key: &'a CommandId,
    ) -> BoxFuture<'a, Result<Outcome, Failure>>;
}

impl<E: Effect> AnyEffect for E {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn start(&self) -> Start {
        E::START
    }

    fn retries(&self) -> Retries {
        E::RETRIES
    }

    fn dependency(&self) -> Option<&'static str> {
        E::DEPENDENCY
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <E::When as kit::EventSet>::aggregates()
    }

    fn delivery(&self, source: &Source<'_>) -> Result<Option<Delivery>, Failure> {
        let event = source.record()?;
        guarded(|| Ok(self.concerns(&event).then(|| Effect::delivery(self, &event))))
    }

    fn note(&self, source: &Source<'_>, note: Note) -> Result<Vec<Order>, Failure> {
        let event: Recorded<E::When> = source.record()?;
        let orders = guarded(|| {
            let orders = match note {
                Note::Intent => self.intent(&event),
                Note::Withdrawn => self.withdrawn(&event),
                Note::Interrupted => self.interrupted(&event),
            };
            orders.map_err(|error| unwritable(&error))
        })?;
        not_too_many(&orders)?;
        Ok(orders)
    }

    fn perform<'a>(
        &'a self,
        source: Source<'a>,
        key: &'a CommandId,
    ) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let event = source.record()?;
            let outcome = in_time(E::TIME_LIMIT, async { self.run(&event, key).await }).await?;
            Ok(outcome.unwrap_or_else(|| Outcome::Unknown { reason: overdue(E::TIME_LIMIT) }))
        }
        .boxed()
    }
}

/// Runs an effect, with its intent recorded before and its end after.
pub(crate) struct Performance {
    pub(crate) effect: Arc<dyn AnyEffect>,
    pub(crate) dispatch: Dispatch,
    pub(crate) breaker: Option<Breaker>,
}

/// How an event was done with: what records it, and why it was passed over if it was.
#[derive(Debug, Default)]
struct End {
    orders: Vec<Order>,
    /// The ordinal of the first of these orders.
    first: usize,
    skipped: Option<String>,
}

impl Reactor for Performance {
    fn react<'a>(
        &'a self,
        source: Source<'a>,
        trial: &'a mut Trial<'_>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let span = tracing::info_span!("effect", handler = trial.duty.name, at = %source.position);
        telemetry::adopt(&span, source.element.metadata.traceparent.as_deref());
        self.handle(source, trial).instrument(span).boxed()
    }

    fn retries(&self) -> Retries {
        self.effect.retries()
    }
}

impl Performance {
    async fn handle(&self, source: Source<'_>, trial: &mut Trial<'_>) -> Result<(), Failure> {
        let delivery = trial.persist(async || self.effect.delivery(&source)).await?;
        let Some(delivery) = delivery else { return Ok(()) };
        let (mut tally, mut begun) = (trial.tally(), false);
        let end = loop {
            match self.attempt(source, trial, delivery, &mut begun).await {
                Ok(end) => break end,
                Err(failure) => trial.again(failure, &mut tally).await?,
            }
        };
        trial.through(tally);
        let (duty, event) = (trial.duty, source.element.id);
        for (at, order) in end.orders.iter().enumerate() {
            let request = request(&source, duty.name, end.first + at, order);
            // A refusal is kept and counted; what was done outside stands whatever it says.
            let _ = self.dispatch.carry(&source, trial, &request).await?;
        }
        if let Some(reason) = end.skipped {
            duty.gauge.skipped();
            tracing::info!(handler = duty.name, %event, reason, "passed over");
        }
        Ok(())
    }

    /// One attempt. `begun` says whether an intent of ours stands.
    async fn attempt(
        &self,
        source: Source<'_>,
        trial: &mut Trial<'_>,
        delivery: Delivery,
        begun: &mut bool,
    ) -> Result<End, Failure> {
        let permit = self.admit(trial).await?;
        trial.take_place().await?;
        let once = delivery == Delivery::AtMostOnce;
        if !*begun {
            match self.begin(&source, trial, once).await? {
                TakenUp::Now => {}
                TakenUp::Before if once => return self.interrupted(&source),
                TakenUp::Before => {}
                TakenUp::Refused(code) => {
                    return Ok(End { skipped: Some(code), ..End::default() });
                }
            }
            *begun = true;
        }
        let key = CommandId::derived(trial.duty.name, source.element.id, 0);
        fail_points::pass("effect.intended");
        let performed = self.effect.perform(source, &key).await;
        fail_points::pass("effect.performed");
        let failure = match performed.and_then(bounded) {
            Ok(Outcome::Done(orders)) => {
                if let Some(permit) = permit {
                    permit.succeeded();
                }
                trial.answered();
                return Ok(End { orders, ..End::default() });
            }
            Ok(Outcome::Skip { reason, orders }) => {
                return Ok(End { orders, skipped: Some(reason), ..End::default() });
            }
            Ok(Outcome::Away { reason }) => {
                if let Some(permit) = permit {
                    permit.failed();
                }
                Failure::Transient(reason)
            }
            Ok(Outcome::Unknown { reason }) => {
                if let Some(permit) = permit {
                    permit.failed();
                }
                if once {
                    let (handler, event) = (trial.duty.name, source.element.id);
                    tracing::error!(handler, %event, "not attempted again: {reason}");
                    return self.interrupted(&source);
                }
                return Err(Failure::Transient(reason));
            }
            Ok(Outcome::Retry { after, reason }) => Failure::Later { after, reason },
            Ok(Outcome::Park { reason }) => Failure::Asked(reason),
            Ok(Outcome::Halt { reason }) => Failure::Halt(reason),
            Err(failure) if once => {
                let (handler, event) = (trial.duty.name, source.element.id);
                tracing::error!(handler, %event, "not attempted again: {failure}");
                return self.interrupted(&source);
            }
            Err(failure) => return Err(failure),
        };
        if once {
            for order in self.effect.note(&source, Note::Withdrawn)? {
                self.dispatch.take_up(&source, trial, &order).await?;
                *begun = false;
            }
        }
        Err(failure)
    }

    /// Waits until what the effect depends on may be asked.
    async fn admit(&self, trial: &mut Trial<'_>) -> Result<Option<Permit>, Failure> {
        let Some(breaker) = &self.breaker else { return Ok(None) };
        if let Some(permit) = breaker.admit_now() {
            return Ok(Some(permit));
        }
        // Whoever is let through needs a place, and those who are not must not hold them all.
        trial.leave_place();
        tokio::select! {
            () = trial.duty.stop.cancelled() => Err(Failure::Interrupted),
            permit = breaker.admit() => Ok(Some(permit)),
        }
    }

    /// Records the intent.
    async fn begin(
        &self,
        source: &Source<'_>,
        trial: &mut Trial<'_>,
        once: bool,
    ) -> Result<TakenUp, Failure> {
        let orders = self.effect.note(source, Note::Intent)?;
        if once && orders.is_empty() {
            return Err(Failure::Bug("at most once needs an intent".to_owned()));
        }
        let mut taken_up = TakenUp::Now;
        for order in &orders {
            match self.dispatch.take_up(source, trial, order).await? {
                TakenUp::Now => {}
                TakenUp::Before => taken_up = TakenUp::Before,
                refused @ TakenUp::Refused(_) => return Ok(refused),
            }
        }
        Ok(taken_up)
    }

    fn interrupted(&self, source: &Source<'_>) -> Result<End, Failure> {
        let orders = self.effect.note(source, Note::Interrupted)?;
        Ok(End { orders, first: ORDERS_MAX, skipped: Some("its end was not seen".to_owned()) })
    }
}

/// The outcome, unless it orders too much: then what it did is as doubtful as after a panic.
fn bounded(outcome: Outcome) -> Result<Outcome, Failure> {
    if let Outcome::Done(orders) | Outcome::Skip { orders, .. } = &outcome {
        not_too_many(orders)?;
    }
    Ok(outcome)
}
