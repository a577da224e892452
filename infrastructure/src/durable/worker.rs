//! One owner's work on the queue: several aggregates at a time, one command after the other each.

mod taken;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client as Connection,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull},
    },
};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use kit::{CommandId, Position};
use nats::{Delivered, Subject, names};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Outcome, Results, dead, unreadable::Next};
use crate::{
    connection::{ConnectOptions, connect},
    deadletter::{Book, Queue},
    fail_points,
    handler::{Backoff, Delivery, Lanes, Validity},
    problem::Problem,
    processor::Processor,
    request::{CommandRequest, Reply},
    service::continue_trace,
    wire,
};
use taken::{Taken, expired};

/// Commands taken from the queue and not yet acknowledged.
const WINDOW: usize = 256;
/// Aggregates worked on at the same time.
const LANES_MAX: usize = 64;
/// Bytes of commands asked for at a time.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// A command is retried in place for as long as it takes, so a second delivery says nothing; it is
/// recognised and passed over. It only has to come if an acknowledgement was lost.
const ACK_WAIT: Duration = Duration::from_secs(60);
/// A command that is in the queue and was not delivered from one look to the next was lost on its
/// way, or ended the line.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_secs(1);
const EXPIRES: Duration = Duration::from_secs(10);

/// The codes that decide whether a caller's deadline counts.
const OUTCOME_UNKNOWN: &str = "outcome-unknown";
const DEADLINE: &str = "deadline";
/// The code of a bug.
const INTERNAL: &str = "internal";

/// What carries commands out.
pub(super) struct Worker {
    pub(super) processor: Processor,
    pub(super) results: Results,
    pub(super) letters: Queue,
    pub(super) instance: String,
    /// For everything but deliveries.
    pub(super) connection: Connection,
    pub(super) connect: ConnectOptions,
    /// The last message that was delivered to this owner.
    pub(super) seen: AtomicU64,
    pub(super) stop: CancellationToken,
}

type Settled = (Delivery, Result<(), Problem>);

impl Worker {
    /// Works until it is asked to stop, or the queue breaks.
    pub(super) async fn work(
        self: Arc<Self>,
        validity: watch::Receiver<Validity>,
        book: Arc<Book>,
    ) -> Result<(), Problem> {
        let (mut messages, mut expected) = (self.open().await?, 1);
        let (mut look, mut missing) = (tokio::time::interval(LOOK_INTERVAL), Next::Nothing);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lanes = Lanes::new(Position::ZERO, LANES_MAX, WINDOW);
        let mut waiting: HashMap<Position, jetstream::Message> = HashMap::new();
        let mut running: FuturesUnordered<BoxFuture<'static, Settled>> = FuturesUnordered::new();
        loop {
            let stopping = self.stop.is_cancelled();
            while !stopping && let Some(delivery) = lanes.take() {
                let Some(message) = waiting.remove(&delivery.position) else { continue };
                let settled =
                    Arc::clone(&self).settle(message, validity.clone(), Arc::clone(&book));
                running.push(settled.map(|result| (delivery, result)).boxed());
            }
            if stopping && running.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some((delivery, result)) = running.next() => {
                    result?;
                    lanes.done(&delivery.subject, delivery.position);
                }
                () = self.stop.cancelled(), if !stopping => {}
                message = messages.next(), if !stopping && !lanes.is_full() => {
                    let away = || Problem::unavailable("the queue's consumer ended");
                    let message = message.ok_or_else(away)?;
                    let message = message.map_err(|e| Problem::unavailable(e.to_string()))?;
                    let (delivery, number) = lane(&message)?;
                    // What a broken line swallowed comes again, but after what is behind it.
                    if number != expected {
                        return Err(Problem::unavailable("a delivery was lost"));
                    }
                    expected += 1;
                    // A second delivery must not take the look back behind what is being worked on.
                    self.seen.fetch_max(delivery.position.0, Ordering::Relaxed);
                    missing = Next::Nothing;
                    if !lanes.holds(delivery.position) {
                        waiting.insert(delivery.position, message);
                        lanes.push(delivery);
                    }
                }
                _ = look.tick(), if !stopping && !lanes.is_full() => {
                    let mut next = self.look(&book).await?;
                    let set_aside = next == Next::SetAside;
                    // Each would end a line of its own.
                    while next == Next::SetAside {
                        next = self.look(&book).await?;
                    }
                    if set_aside || (next != Next::Nothing && next == missing) {
                        return Err(Problem::unavailable("deliveries have stopped"));
                    }
                    missing = next;
                }
            }
        }
    }

    /// A consumer that begins with the first command still in the queue.
    async fn open(&self) -> Result<pull::Stream, Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        self.seen.store(0, Ordering::Relaxed);
        let connection = connect(&self.connect).await.map_err(|error| away(&error))?;
        let queue = jetstream::new(connection).get_stream(names::COMMANDS).await;
        let queue = queue.map_err(|error| away(&error))?;
        // There may be none, and if it cannot be deleted then it cannot be created either.
        let _ = queue.delete_consumer(names::COMMANDS).await;
        let config = pull::Config {
            durable_name: Some(names::COMMANDS.to_owned()),
            description: Some("the owner of the queue".to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: 2 * i64::try_from(WINDOW).unwrap_or(i64::MAX),
            replay_policy: ReplayPolicy::Instant,
            ..pull::Config::default()
        };
        let consumer = queue.create_consumer(config).await.map_err(|error| away(&error))?;
        let stream = consumer
            .stream()
            .max_messages_per_batch(WINDOW)
            .max_bytes_per_batch(BATCH_BYTES)
            .heartbeat(HEARTBEAT)
            .expires(EXPIRES);
        stream.messages().await.map_err(|error| away(&error))
    }

    /// Carries one command out unless that was done before, keeps the outcome, acknowledges.
    async fn settle(
        self: Arc<Self>,
        message: jetstream::Message,
        validity: watch::Receiver<Validity>,
        book: Arc<Book>,
    ) -> Result<(), Problem> {
        let mut taken = Taken::new(message)?;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(10));
        loop {
            let attempt = self.attempt(&mut taken, &validity, &book).await;
            let Err(problem) = attempt else { break };
            taken.begun |= problem.code == OUTCOME_UNKNOWN;
            let delay = taken.again(&problem).unwrap_or_else(|| backoff.next());
            tracing::warn!(command = %taken.id, %problem, "a durable command is tried again");
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(delay) => {}
            }
        }
        taken.message.ack().await.map_err(|error| Problem::unavailable(error.to_string()))
    }

    /// An error asks for another attempt.
    async fn attempt(
        &self,
        taken: &mut Taken,
        validity: &watch::Receiver<Validity>,
        book: &Book,
    ) -> Result<(), Problem> {
        let (id, message) = (&taken.id, &taken.message);
        if self.results.ended(id).await?.is_some() {
            return Ok(());
        }
        let result = self.carry_out(id, message, validity, taken.begun).await;
        if let Err(problem) = &result
            && problem.is_transient()
            && (taken.begun || problem.code != DEADLINE || !expired(message))
        {
            return Err(problem.clone());
        }
        match &result {
            Err(problem) if taken.may_pass(problem) => return Err(problem.clone()),
            Err(problem) => {
                if let Some(class) = dead::class(problem) {
                    dead::bury(book, taken.buried(problem), class, problem).await?;
                }
            }
            // An owner that died may have set it aside, before it kept the outcome.
            Ok(_) => dead::settle(book, id, &message.subject).await?,
        }
        fail_points::pass("durable.before-result");
        self.results.keep(Outcome::new(id.clone(), result, &message.message)).await?;
        fail_points::pass("durable.after-result");
        Ok(())
    }

    async fn carry_out(
        &self,
        id: &CommandId,
        message: &jetstream::Message,
        validity: &watch::Receiver<Validity>,
        begun: bool,
    ) -> Result<Reply, Problem> {
        let request = wire::read_request(
            &message.subject,
            message.headers.as_ref(),
            message.payload.clone(),
        )?;
        self.execute(id, request, validity, begun).await
    }

    /// Has a command carried out under `id` while the queue is ours.
    pub(super) async fn execute(
        &self,
        id: &CommandId,
        mut request: CommandRequest,
        validity: &watch::Receiver<Validity>,
        begun: bool,
    ) -> Result<Reply, Problem> {
        request.command_id = Some(id.clone());
        // An owner that was paused must not act late, after another has taken over.
        let owned = *validity.borrow();
        if !owned.holds() {
            return Err(Problem::unavailable("another instance may own the queue by now"));
        }
        let own = request.deadline.filter(|_| !begun);
        request.deadline = Some(own.map_or(owned.deadline, |own| own.min(owned.deadline)));
        let span = continue_trace(&mut request);
        self.processor.execute(request).instrument(span).await
    }
}

/// The lane is the aggregate; what names none has a lane of its own. With the number of the
/// delivery.
fn lane(message: &jetstream::Message) -> Result<(Delivery, u64), Problem> {
    let delivered = message.reply.as_deref().and_then(Delivered::read);
    let unread = || Problem::unavailable("a delivery that does not say where it stands");
    let Delivered { stream_sequence, consumer_sequence, time, pending } =
        delivered.ok_or_else(unread)?;
    let subject = match Subject::parse(&message.subject) {
        Some(Subject::Enqueue { aggregate, id, .. }) => format!("{aggregate}.{id}"),
        _ => message.subject.to_string(),
    };
    let (position, body) = (Position(stream_sequence), Bytes::new());
    let sealed = None;
    let delivery = Delivery { subject, position, time, pending, headers: None, body, sealed };
    Ok((delivery, consumer_sequence))
}
