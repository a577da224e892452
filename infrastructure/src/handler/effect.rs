//! Effects: their types erased, and what they answer turned into what the runner does next.
//! Not here: which event comes when; the runner keeps the order.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use kit::{CommandId, Effect, Outcome, Retries, Start};

use super::{Failure, Source, failure::panicked, runner::Reactor, trial::Trial};

/// Any [`Effect`].
pub(crate) trait AnyEffect: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
    fn retries(&self) -> Retries;
    fn aggregates(&self) -> Vec<&'static str>;
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

    fn aggregates(&self) -> Vec<&'static str> {
        <E::When as kit::EventSet>::aggregates()
    }

    fn perform<'a>(
        &'a self,
        source: Source<'a>,
        key: &'a CommandId,
    ) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let event = source.record()?;
            let run = AssertUnwindSafe(self.run(&event, key)).catch_unwind();
            run.await.map_err(|_| panicked())
        }
        .boxed()
    }
}

/// Runs an effect.
pub(crate) struct Performance(pub(crate) Arc<dyn AnyEffect>);

impl Reactor for Performance {
    fn react<'a>(
        &'a self,
        source: Source<'a>,
        trial: &'a mut Trial<'_>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        self.perform(source, trial).boxed()
    }

    fn retries(&self) -> Retries {
        self.0.retries()
    }
}

impl Performance {
    async fn perform(&self, source: Source<'_>, trial: &mut Trial<'_>) -> Result<(), Failure> {
        let (duty, event) = (trial.duty, source.element.id);
        let key = CommandId::derived(duty.name, event, 0);
        let done = trial.persist(async || done(self.0.perform(source, &key).await?)).await?;
        match done {
            None => trial.answered(),
            Some(reason) => {
                duty.gauge.skipped();
                tracing::info!(handler = duty.name, %event, reason, "passed over");
            }
        }
        Ok(())
    }
}

/// Whether an effect is done with an event; why, if it passed over it.
fn done(outcome: Outcome) -> Result<Option<String>, Failure> {
    match outcome {
        Outcome::Done => Ok(None),
        Outcome::Skip { reason } => Ok(Some(reason)),
        Outcome::Retry { after, reason } => Err(Failure::Later { after, reason }),
        Outcome::Park { reason } => Err(Failure::Asked(reason)),
        Outcome::Halt { reason } => Err(Failure::Halt(reason)),
    }
}
