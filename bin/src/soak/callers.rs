//! Callers: each sends its commands one after the other, repeats what was not answered for good,
//! and keeps what it was told. Not here: which commands.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use infrastructure::{
    client::Client,
    problem::Problem,
    request::{CommandRequest, Reply},
};
use kit::{AggregateId, CommandId};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    plan::{CALLERS, Plan},
    traffic::{Step, Traffic, Way},
    world::World,
};

/// How long one attempt waits for its answer.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How long a command is repeated until it counts as never answered.
const PATIENCE: Duration = Duration::from_secs(90);
/// The shortest and the longest wait between two attempts.
const WAIT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(640));
/// A caller takes a breath between two commands: faults are to meet work, not a queue.
const BREATH: Duration = Duration::from_millis(10);

/// What became of one command.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// The aggregate type.
    pub aggregate: String,
    /// Which one.
    pub id: AggregateId,
    /// The command's name.
    pub name: String,
    /// The command's id.
    pub command: CommandId,
    /// Every answer for good.
    pub answers: Vec<Answer>,
    /// How often it was sent.
    pub attempts: u32,
}

/// An answer for good.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Accepted.
    Reply(Reply),
    /// Refused.
    Refused(Problem),
    /// The broker has it; what becomes of it stands among the results.
    Queued,
    /// None in time.
    Nothing(String),
}

/// What has happened so far, for whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    answered: AtomicU64,
    transient: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Attempts that failed for the moment, by their code.
    pub(super) fn transient(&self) -> BTreeMap<String, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // Every change under the lock is total, so poison says nothing about the counts.
        self.transient.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All callers of one run.
#[derive(Debug)]
pub(super) struct Callers {
    running: JoinSet<Vec<Said>>,
    stop: CancellationToken,
    pub(super) tally: Arc<Tally>,
}

impl Callers {
    pub(super) fn start(plan: &Plan, world: &World) -> Self {
        let (stop, tally) = (CancellationToken::new(), Arc::new(Tally::default()));
        let mut running = JoinSet::new();
        for number in 0..CALLERS {
            let caller = Caller {
                traffic: Traffic::new(plan.seed, number, world.secret.clone()),
                client: Client::new(world.connection.clone()).with_timeout(ATTEMPT),
                steps: plan.steps,
                stop: stop.clone(),
                tally: Arc::clone(&tally),
            };
            running.spawn(caller.run());
        }
        Self { running, stop, tally }
    }

    /// Lets every caller finish what it is at. Everything that was said, and why attempts failed.
    pub(super) async fn stop(self) -> (Vec<Said>, BTreeMap<String, u64>) {
        self.stop.cancel();
        let said = self.running.join_all().await.concat();
        (said, self.tally.transient())
    }
}

struct Caller {
    traffic: Traffic,
    client: Client,
    steps: usize,
    stop: CancellationToken,
    tally: Arc<Tally>,
}

impl Caller {
    async fn run(mut self) -> Vec<Said> {
        let mut said = Vec::new();
        while said.len() < self.steps || !self.stop.is_cancelled() {
            let step = self.traffic.next();
            // An id that cannot be written is a mistake in the traffic; its tests would show it.
            if let Some(heard) = self.send(step).await {
                said.push(heard);
            }
            self.tally.answered.fetch_add(1, Ordering::Relaxed);
            sleep(BREATH).await;
        }
        said
    }

    async fn send(&self, step: Step) -> Option<Said> {
        let Step { aggregate, id, name, mut body, command, way, moment } = step;
        if let (Some((field, soon)), Some(fields)) = (moment, body.as_object_mut()) {
            let at = Utc::now() + TimeDelta::from_std(soon).unwrap_or_default();
            fields.insert(field.to_owned(), at.to_rfc3339().into());
        }
        let id: AggregateId = id.parse().ok()?;
        let command: CommandId = command.parse().ok()?;
        let request = CommandRequest {
            command_id: Some(command.clone()),
            user_id: Some("soak".to_owned()),
            ..CommandRequest::new(aggregate, id.clone(), name, body.to_string())
        };
        let mut attempts = 0;
        let answers = match way {
            Way::Once | Way::Durable => vec![self.insist(&request, way, &mut attempts).await],
            Way::Twice => {
                let mut more = 0;
                let (one, other) = tokio::join!(
                    self.insist(&request, way, &mut attempts),
                    self.insist(&request, way, &mut more)
                );
                attempts += more;
                vec![one, other]
            }
        };
        let (aggregate, name) = (aggregate.to_owned(), name.to_owned());
        Some(Said { aggregate, id, name, command, answers, attempts })
    }

    /// Sends `request` until somebody answers for good, as a caller with a command id may.
    async fn insist(&self, request: &CommandRequest, way: Way, attempts: &mut u32) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        let (mut wait, longest) = WAIT;
        loop {
            *attempts += 1;
            let answer = match way {
                Way::Durable => self.client.enqueue(request).await.map(|_| Answer::Queued),
                Way::Once | Way::Twice => self.client.send(request).await.map(Answer::Reply),
            };
            match answer {
                Ok(answer) => return answer,
                Err(problem) if problem.is_transient() => {
                    *self.tally.lock().entry(problem.code.clone()).or_default() += 1;
                    if Instant::now() > deadline {
                        return Answer::Nothing(problem.to_string());
                    }
                }
                Err(problem) => return Answer::Refused(problem),
            }
            sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }
}
