//! Durable commands: taken from the work queue, carried out in order per aggregate, their outcome
//! kept under the command id.
//!
//! One instance owns the queue by a lease. A new owner replaces the consumer, so that whatever was
//! delivered and not acknowledged comes again first, in the order of the queue; a consumer that
//! instances shared would bring it after what came later. A command that cannot be carried out as it is
//! becomes a dead letter, and nothing waits behind it. Not here: enqueuing; the client does it.

mod dead;
mod desk;
mod outcome;
mod results;
mod unreadable;
mod worker;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use async_nats::{Client as Connection, jetstream};
use nats::names;
use tokio_util::sync::CancellationToken;

use crate::{
    composition::{HandlerInfo, HandlerKind},
    connection::ConnectOptions,
    deadletter::Queue,
    handler::{Backoff, Cell, Contender, Gauge, Lease},
    processor::Processor,
    vital::Vital,
};
use desk::Desk;
pub use outcome::{Original, Outcome, OutcomeStatus};
pub use results::Results;
use worker::Worker;

/// The lease's key; no handler may have this name.
pub(crate) const LEASE: &str = "commands";
/// How long the lease outlives its last renewal.
const LEASE_TTL: Duration = Duration::from_secs(6);

/// Why durable commands are not carried out.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// A stream or bucket is missing or does not answer; provisioning makes them.
    #[error("{what} does not answer: {problem}")]
    Away {
        /// The stream or bucket.
        what: &'static str,
        /// Why.
        problem: String,
    },
}

/// The instance's hand on the queue.
#[derive(Debug)]
pub struct DurableCommands {
    stop: CancellationToken,
    running: Vital<()>,
}

impl DurableCommands {
    /// Carries out queued commands with `processor` whenever `instance` owns the queue. They come
    /// on a connection of their own, opened by `queue`, because bytes that end it (see the front)
    /// must not end `connection` too.
    ///
    /// # Errors
    /// If the queue or a bucket is missing.
    pub async fn start(
        connection: Connection,
        queue: ConnectOptions,
        processor: Processor,
        instance: String,
    ) -> Result<Self, DurableError> {
        let context = jetstream::new(connection.clone());
        let leases = context.get_key_value(names::LEASES).await;
        let leases = leases.map_err(|error| DurableError::Away {
            what: names::LEASES,
            problem: error.to_string(),
        })?;
        let results = Results::open(connection.clone()).await?;
        let letters = Queue::open(&connection).await;
        let letters = letters
            .map_err(|error| DurableError::Away { what: names::DLQ, problem: error.to_string() })?;
        let stop = CancellationToken::new();
        let worker = Arc::new(Worker {
            processor,
            results,
            letters,
            instance: instance.clone(),
            connection,
            connect: queue,
            seen: AtomicU64::new(0),
            stop: stop.clone(),
        });
        let gauge = Gauge::new(HandlerInfo { name: LEASE, kind: HandlerKind::Duty }, None);
        let contender =
            Contender::new(Cell::new(&leases, LEASE), gauge.clone(), instance, LEASE_TTL);
        let running = Vital::spawn(run(worker, contender, gauge, stop.clone()));
        Ok(Self { stop, running })
    }

    /// Returns when nobody works on the queue any more.
    pub(crate) async fn ended(&self) {
        self.running.ended().await;
    }

    /// Finishes the commands that are being carried out, leaves the others in the queue, and gives
    /// the lease back.
    pub async fn drain(self) {
        self.stop.cancel();
        if let Err(error) = self.running.join().await {
            tracing::error!(%error, "the queue's worker ended badly");
        }
    }
}

async fn run(worker: Arc<Worker>, mut contender: Contender, gauge: Gauge, stop: CancellationToken) {
    while !stop.is_cancelled() {
        gauge.waiting();
        let lease = tokio::select! {
            () = stop.cancelled() => break,
            lease = contender.win() => lease,
        };
        gauge.running(lease.epoch);
        tracing::info!(epoch = lease.epoch, "owns the queue of durable commands");
        tokio::select! {
            biased;
            () = lease.lost.cancelled() => {}
            () = own(&worker, &lease, &gauge, &stop) => {}
        }
        if !lease.lost.is_cancelled() {
            gauge.stopped();
            lease.release().await;
        }
    }
}

/// Works on the queue and does what people ask about dead letters, until it is asked to stop or a
/// later owner has begun.
async fn own(worker: &Arc<Worker>, lease: &Lease, gauge: &Gauge, stop: &CancellationToken) {
    let opened = tokio::select! {
        () = stop.cancelled() => return,
        opened = desk::open(worker, lease.epoch, gauge) => opened,
    };
    let (book, letters) = (Arc::new(opened.0), opened.1);
    let (validity, gauge) = (lease.validity(), gauge.clone());
    let desk =
        Desk { worker: Arc::clone(worker), book: Arc::clone(&book), validity, gauge }.run(letters);
    let queue = async {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
        while !stop.is_cancelled() {
            match Arc::clone(worker).work(lease.validity(), Arc::clone(&book)).await {
                Ok(()) => backoff.reset(),
                Err(problem) => {
                    tracing::warn!(%problem, "the queue of durable commands is interrupted");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(backoff.next()) => {}
                    }
                }
            }
        }
    };
    // What the desk was about to do, the next owner does.
    tokio::select! {
        () = queue => {}
        () = desk => lease.lost.cancel(),
    }
}
