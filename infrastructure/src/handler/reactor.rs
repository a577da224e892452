//! What handles events: one at a time, or a run of them. Not here: which come when.

use std::{sync::Arc, time::Instant};

use futures::{FutureExt as _, future::BoxFuture};
use kit::Retries;

use super::{
    Failure, Source,
    duty::Duty,
    hands::Stretch,
    trial::{Attempts, Trial},
};

/// Handles one event completely, attempt after attempt, or says why not.
pub(crate) trait Reactor: Send + Sync {
    fn react<'a>(
        &'a self,
        source: Source<'a>,
        trial: &'a mut Trial<'_>,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// How failed attempts are made again.
    fn retries(&self) -> Retries;
}

/// How a run of events went.
pub(crate) struct Handled {
    /// How many of them are done, from the first on.
    pub(crate) done: usize,
    /// Why the next one is not, with its attempts.
    pub(crate) failed: Option<(Failure, Attempts)>,
}

/// Handles events of one key, in order, up to the first that fails for good.
pub(crate) trait RunHandler: Send + Sync {
    fn handle<'a>(
        &'a self,
        duty: &'a Duty,
        events: &'a [Source<'a>],
        stretch: Stretch,
    ) -> BoxFuture<'a, Handled>;

    /// How failed attempts are made again.
    fn retries(&self) -> Retries;

    /// Commits of one key that it takes at the same time.
    fn run_max(&self) -> usize {
        1
    }

    /// Told how many commits wait behind what it has in hand of their keys.
    fn holds(&self, _commits: usize) {}

    /// The same with nothing in hand, for another epoch, if it keeps anything in hand.
    fn renewed(&self, _duty: &Arc<Duty>) -> Option<Arc<dyn RunHandler>> {
        None
    }
}

impl<R: Reactor> RunHandler for R {
    fn handle<'a>(
        &'a self,
        duty: &'a Duty,
        events: &'a [Source<'a>],
        stretch: Stretch,
    ) -> BoxFuture<'a, Handled> {
        let one_by_one = async move {
            let retries = Reactor::retries(self);
            for (done, source) in events.iter().enumerate() {
                let (begun, at) = (Instant::now(), source.at());
                let mut trial = Trial::new(duty, retries, at, stretch.occasion(at, done == 0));
                if let Err(failure) = self.react(*source, &mut trial).await {
                    let failed = std::mem::take(&mut trial.failed);
                    return Handled { done, failed: Some((failure, failed)) };
                }
                source.count(duty, begun.elapsed());
            }
            Handled { done: events.len(), failed: None }
        };
        one_by_one.boxed()
    }

    fn retries(&self) -> Retries {
        Reactor::retries(self)
    }
}
