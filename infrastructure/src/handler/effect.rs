//! Effects with their types erased, so that one runner runs them all.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, future::BoxFuture};
use kit::{CommandId, Effect, Outcome, Start};

use super::{Failure, Source, failure::panicked};

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
