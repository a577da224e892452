//! The command processor: one engine that owns every loaded aggregate.
//!
//! It decides the commands that wait on one aggregate together, and answers when the log has
//! acknowledged what they led to. Usable in-process as it is. Not here: how commands arrive.

mod admission;
mod batch;
mod cache;
mod engine;
mod event_ids;
mod load;
mod options;
mod outcome;
mod residence;
mod round;
mod run;
mod search;
mod slot;
mod snapshots;
mod tally;
mod weight;
mod work;
mod write;

use std::{fmt, sync::Arc};

use kit::{Aggregate, AggregateId, Command};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::{
    admission::{Room, Submission},
    engine::Engine,
    tally::Tally,
};
use crate::{
    aggregates::Aggregates,
    problem::Problem,
    request::{CommandRequest, Reply},
    store::Store,
};

pub use self::options::ProcessorOptions;

/// Takes the answer to one command. It runs on the engine: it must not block and not panic.
pub type Answer = Box<dyn FnOnce(Result<Reply, Problem>) + Send>;

/// A handle to a running engine. The engine ends when it was drained or its last handle is gone,
/// after everything it had accepted is answered.
#[derive(Clone)]
pub struct Processor(Arc<Shared>);

struct Shared {
    aggregates: Aggregates,
    // Without a bound of its own: `room` bounds what is in it together with what has left it.
    submissions: mpsc::UnboundedSender<Submission>,
    room: Arc<Room>,
    draining: CancellationToken,
    stopped: CancellationToken,
}

impl Processor {
    /// Starts an engine on the current Tokio runtime.
    #[must_use]
    pub fn start<S: Store>(store: S, aggregates: Aggregates, options: ProcessorOptions) -> Self {
        let (submissions, inbox) = mpsc::unbounded_channel();
        let (draining, stopped) = (CancellationToken::new(), CancellationToken::new());
        let room = Arc::new(Room::new(options.queue_max, options.queue_bytes_max));
        let engine = Engine::new(aggregates.clone(), options, Arc::clone(&room.tally));
        let whole = run::run(engine, store, inbox, draining.clone());
        let ended = stopped.clone().drop_guard();
        tokio::spawn(async move {
            whole.await;
            drop(ended);
        });
        Self(Arc::new(Shared { aggregates, submissions, room, draining, stopped }))
    }

    /// Carries `request` out and waits for the answer.
    ///
    /// # Errors
    /// The [`Problem`] that kept it from being carried out.
    pub async fn execute(&self, request: CommandRequest) -> Result<Reply, Problem> {
        let (answer, answered) = oneshot::channel();
        self.submit(
            request,
            Box::new(move |result| {
                // Whoever no longer waits needs no answer.
                let _ = answer.send(result);
            }),
        );
        let lost = |_| Err(Problem::outcome_unknown("the processor ended before it could answer"));
        answered.await.unwrap_or_else(lost)
    }

    /// Carries out `command` on the aggregate `A` with the id `id`.
    ///
    /// # Errors
    /// The [`Problem`] that kept it from being carried out.
    pub async fn send<A: Aggregate>(
        &self,
        id: &AggregateId,
        command: impl Into<A::Command>,
    ) -> Result<Reply, Problem> {
        let command = command.into();
        let body = command.body().map_err(|error| Problem::invalid(error.to_string()))?;
        self.execute(CommandRequest::new(A::TYPE, id.clone(), command.name(), body)).await
    }

    /// Carries `request` out and calls `answer` once: here, if the request cannot be accepted, or
    /// on the engine. No future per command.
    pub fn submit(&self, request: CommandRequest, answer: Answer) {
        let place = match self.0.room.enter(request.body.len()) {
            Ok(place) => place,
            Err(full) => return self.refuse(answer, Problem::busy(full.to_string())),
        };
        match admission::admit(&self.0.aggregates, request) {
            Err(problem) => {
                drop(place);
                self.refuse(answer, problem);
            }
            Ok(admitted) => {
                let submission = admitted.with(answer, place);
                if let Err(refused) = self.0.submissions.send(submission) {
                    let draining = self.0.draining.is_cancelled();
                    let why = if draining { "is draining" } else { "has lost its engine" };
                    let problem = Problem::unavailable(format!("the service {why}"));
                    refused.0.waiting.answer(Err(problem));
                }
            }
        }
    }

    /// Returns when the engine has ended: after a drain or, which is a bug, without one. Whoever
    /// runs an instance must not go on without it.
    pub async fn ended(&self) {
        self.0.stopped.cancelled().await;
    }

    fn refuse(&self, answer: Answer, problem: Problem) {
        answer(self.counted(problem));
    }

    /// Counts a command that was refused before it came here.
    pub(crate) fn counted(&self, problem: Problem) -> Result<Reply, Problem> {
        let refused = Err(problem);
        self.0.room.tally.answered(&refused);
        refused
    }

    /// What can be measured of it, without keeping it running.
    pub(crate) fn watched(&self) -> Watched {
        Watched(Arc::clone(&self.0.room))
    }

    /// Commands that are accepted and not yet answered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.room.taken()
    }

    /// Refuses new commands and returns when all that were accepted are answered.
    pub async fn drain(&self) {
        self.0.draining.cancel();
        self.0.stopped.cancelled().await;
    }
}

/// What can be measured of an engine, to its end and beyond.
#[derive(Clone)]
pub(crate) struct Watched(Arc<Room>);

impl Watched {
    pub(crate) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.0.taken() as u64
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("aggregates", &self.0.aggregates)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
