//! Policies: their types erased, and what they order and answer to refusals.
//! Not here: which event comes when, which the runner knows, and how an order is sent.

use std::{collections::VecDeque, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use kit::{Order, Policy, Reaction, Refused, Retries, Start};
use tracing::Instrument as _;

use super::{
    Failure, Source,
    failure::guarded,
    orders::{Dispatch, ORDERS_MAX, not_too_many, request, unwritable},
    reactor::Reactor,
    timing,
    trial::Trial,
};
use crate::telemetry;

/// Any [`Policy`].
pub(crate) trait AnyPolicy: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn retries(&self) -> Retries;
    fn aggregates(&self) -> Vec<&'static str>;
    fn reactions(&self, source: &Source<'_>) -> Result<Vec<Reaction>, Failure>;
    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure>;
}

impl<P: Policy> AnyPolicy for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn start(&self) -> Start {
        P::START
    }

    fn retries(&self) -> Retries {
        P::RETRIES
    }

    fn aggregates(&self) -> Vec<&'static str> {
        <P::When as kit::EventSet>::aggregates()
    }

    fn reactions(&self, source: &Source<'_>) -> Result<Vec<Reaction>, Failure> {
        let event = source.record()?;
        guarded(|| self.react(&event).map_err(|error| unwritable(&error)))
    }

    fn answers(&self, source: &Source<'_>, refused: &Refused) -> Result<Vec<Order>, Failure> {
        let event = source.record()?;
        guarded(|| self.on_refused(&event, refused).map_err(|error| unwritable(&error)))
    }
}

/// How many times an answer to a refusal may itself be answered when refused.
const ANSWERS_DEEP_MAX: u32 = 3;

/// Obeys a policy.
pub(crate) struct Orders {
    pub(crate) policy: Arc<dyn AnyPolicy>,
    pub(crate) dispatch: Dispatch,
}

/// A reaction and its place in the tree of reactions and answers of one event.
struct Placed {
    ordinal: usize,
    depth: u32,
    reaction: Reaction,
}

impl Reactor for Orders {
    fn react<'a>(
        &'a self,
        source: Source<'a>,
        trial: &'a mut Trial<'_>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let span = tracing::info_span!("policy", handler = trial.duty.name, at = %source.position);
        telemetry::adopt(&span, source.element.metadata.traceparent.as_deref());
        self.obey(source, trial).instrument(span).boxed()
    }

    fn retries(&self) -> Retries {
        self.policy.retries()
    }
}

impl Orders {
    async fn obey(&self, source: Source<'_>, trial: &mut Trial<'_>) -> Result<(), Failure> {
        let reactions = trial.persist(async || self.policy.reactions(&source)).await?;
        let mut due = VecDeque::new();
        numbered(&mut due, reactions, 0, 0)?;
        while let Some(Placed { ordinal, depth, reaction }) = due.pop_front() {
            let name = trial.duty.name;
            let request = |order: &Order| request(&source, name, ordinal, order);
            let Reaction::Order(order) = reaction else {
                let keep = async || {
                    timing::keep(&self.dispatch.timers, &source, name, ordinal, &reaction, request)
                        .await
                };
                trial.persist(keep).await?;
                trial.answered();
                continue;
            };
            let request = request(&order);
            let sent = self.dispatch.carry(&source, trial, &request).await?;
            let Err(problem) = sent else { continue };
            if depth < ANSWERS_DEEP_MAX {
                let refused = Refused { order, code: problem.code, detail: problem.detail };
                let answers =
                    trial.persist(async || self.policy.answers(&source, &refused)).await?;
                numbered(&mut due, answers, (ordinal + 1) * ORDERS_MAX, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn numbered(
    due: &mut VecDeque<Placed>,
    reactions: Vec<impl Into<Reaction>>,
    first: usize,
    depth: u32,
) -> Result<(), Failure> {
    not_too_many(&reactions)?;
    let place = |(at, it): (usize, _)| Placed { ordinal: first + at, depth, reaction: it };
    due.extend(reactions.into_iter().map(Into::into).enumerate().map(place));
    Ok(())
}
