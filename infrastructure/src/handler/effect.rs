//! Effects: their types erased, and what they answer turned into what the runner does next.
//! Not here: which event comes when; the runner keeps the order.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use kit::{CommandId, Effect, Outcome, Start};

use super::{Failure, Source, duty::Duty, failure::panicked, runner::Reactor};

/// Any [`Effect`].
pub(crate) trait AnyEffect: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(&self) -> Start;
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
        duty: &'a Duty,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        self.perform(source, duty).boxed()
    }
}

impl Performance {
    async fn perform(&self, source: Source<'_>, duty: &Duty) -> Result<(), Failure> {
        let key = CommandId::derived(duty.name, source.element.id, 0);
        let (handler, event) = (duty.name, source.element.id);
        let mut waited = false;
        loop {
            match self.0.perform(source, &key).await? {
                Outcome::Done => break,
                Outcome::Skip { reason } => {
                    duty.gauge.skipped();
                    tracing::info!(handler, %event, reason, "passed over");
                    break;
                }
                Outcome::Halt { reason } => return Err(Failure::Permanent(reason)),
                Outcome::Retry { after, reason } => {
                    tracing::warn!(handler, %event, retry_in_ms = after.as_millis(), "{reason}");
                    duty.gauge.retrying(&reason, !waited);
                    waited = true;
                    if !duty.pause(after).await {
                        return Err(Failure::Interrupted);
                    }
                }
            }
        }
        if waited {
            duty.gauge.recovered();
        }
        Ok(())
    }
}
