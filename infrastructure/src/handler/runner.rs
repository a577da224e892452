//! Runs a policy or an effect for one epoch: commits in order per aggregate, several aggregates
//! at a time, the checkpoint behind the first that is not done.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kit::{Position, Retries};
use nats::Subject;

use super::{
    Failure, Source,
    checkpoint::{Checkpoint, Flusher},
    duty::{Duty, Ended},
    feed::{Delivery, Feed, Item},
    lanes::Lanes,
    trial::Trial,
};
use crate::envelope;

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

type Settled = (Delivery, Result<(), Failure>);

/// One epoch's work in progress.
struct Run {
    duty: Arc<Duty>,
    reactor: Arc<dyn Reactor>,
    lanes: Lanes,
    running: FuturesUnordered<BoxFuture<'static, Settled>>,
    flusher: Flusher,
    /// Commits that the feed said are behind the last one it brought.
    pending: u64,
}

/// Runs `reactor` until it is stopped, lost or halted.
pub(crate) async fn run(
    duty: Duty,
    reactor: Arc<dyn Reactor>,
    feed: Feed,
    checkpoint: Checkpoint,
) -> Ended {
    // How many are worked on at the same time is the duty's `places` to say.
    let window = duty.options.window_max;
    let lanes = Lanes::new(checkpoint.position, window, window);
    let patience = duty.options.lease_ttl;
    let flusher = checkpoint.flusher(duty.lost.clone());
    let duty = Arc::new(duty);
    let mut run =
        Run { duty, reactor, lanes, running: FuturesUnordered::new(), flusher, pending: 0 };
    let ended = run.work(feed).await;
    if ended != Ended::Lost {
        run.flusher.finish(patience).await;
    }
    ended
}

impl Run {
    async fn work(&mut self, mut feed: Feed) -> Ended {
        let duty = Arc::clone(&self.duty);
        let mut halted = None;
        loop {
            let stopping = duty.stop.is_cancelled();
            while !stopping && let Some(delivery) = self.lanes.take() {
                let (duty, reactor) = (Arc::clone(&self.duty), Arc::clone(&self.reactor));
                self.running.push(settle(duty, reactor, delivery).boxed());
            }
            self.show();
            if stopping && self.running.is_empty() {
                return halted.map_or(Ended::Stopped, Ended::Halted);
            }
            tokio::select! {
                biased;
                () = duty.lost.cancelled() => return Ended::Lost,
                Some((delivery, result)) = self.running.next() => {
                    match result {
                        Ok(()) => self.lanes.done(&delivery.subject, delivery.position),
                        Err(Failure::Interrupted) => {}
                        // What already runs may finish; it stays open, and so does the checkpoint.
                        Err(failure) => {
                            halted.get_or_insert(failure.to_string());
                            duty.stop.cancel();
                        }
                    }
                }
                () = duty.stop.cancelled(), if !stopping => {}
                item = feed.next(), if !stopping && !self.lanes.is_full() => match item {
                    Some(Item::Commit(delivery)) => {
                        self.pending = delivery.pending;
                        self.lanes.push(delivery);
                    }
                    Some(Item::Nothing(position)) => {
                        self.pending = 0;
                        self.lanes.reached(position);
                    }
                    None => return Ended::Lost,
                },
            }
        }
    }

    fn show(&self) {
        let (Position(done), open) = (self.lanes.watermark(), self.lanes.open() as u64);
        self.flusher.reached(Position(done));
        self.duty.gauge.progress(done, self.pending + open);
    }
}

/// Handles the events of one commit, one after the other.
async fn settle(duty: Arc<Duty>, reactor: Arc<dyn Reactor>, delivery: Delivery) -> Settled {
    let result = handle(&duty, &*reactor, &delivery).await;
    (delivery, result)
}

async fn handle(duty: &Duty, reactor: &dyn Reactor, delivery: &Delivery) -> Result<(), Failure> {
    let at = |failure, index: Option<usize>| place(failure, delivery, index);
    let foreign = || Failure::Permanent("the subject is not an aggregate's".to_owned());
    let Some(Subject::Event { aggregate, .. }) = Subject::parse(&delivery.subject) else {
        return Err(at(foreign(), None));
    };
    let elements = envelope::decode(&delivery.body)
        .map_err(|corrupt| at(Failure::Permanent(envelope::fault::of_commit(&corrupt)), None))?;
    for (index, element) in elements.iter().enumerate() {
        let source = Source { aggregate: &aggregate, element, position: delivery.position, index };
        let mut trial = Trial::new(duty, reactor.retries());
        reactor.react(source, &mut trial).await.map_err(|failure| at(failure, Some(index)))?;
    }
    Ok(())
}

/// The failure with the place where it happened.
pub(crate) fn place(failure: Failure, delivery: &Delivery, index: Option<usize>) -> Failure {
    let cursor = index.map_or_else(
        || delivery.position.to_string(),
        |index| format!("{}.{index}", delivery.position),
    );
    failure.told(|why| format!("{} at {cursor}: {why}", delivery.subject))
}
