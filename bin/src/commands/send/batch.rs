//! Many commands, bounded in flight. Commands of one aggregate are sent one after the other, so
//! that a file may create something and then change it. Each line has a command id that a repeat
//! of the same batch makes again, so that an interrupted batch is finished by repeating it.

mod lines;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use infrastructure::{
    client::Client,
    problem::Problem,
    request::{CommandRequest, Status},
};
use serde::Serialize;
use serde_json::json;
use tokio::{sync::mpsc, time::sleep};
use uuid::Uuid;

use self::lines::Target;
use super::{Common, progress};
use crate::{
    exit::{Quietly, code_of},
    input::{self, Source},
    output::{Output, clean},
};

/// Lines that may wait in each lane, so that one busy aggregate does not hold up the reader at once.
const LANE_LINES: usize = 4;
/// Attempts for one line: what is transient mostly passes, and the command id makes repeats safe.
const ATTEMPTS_MAX: u32 = 5;
/// The first pause before a repeat; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// How to send many commands.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: Option<Uuid>,
    pub(super) target: Option<Target>,
    pub(super) common: Common,
    pub(super) durable: bool,
    pub(super) in_flight: usize,
}

/// A line on its way.
type Work = (u64, usize, Result<CommandRequest, Problem>);

/// A line's number, its length, and what came of it; `None` once the queue has it.
type Answer = (u64, usize, Result<Option<Status>, Problem>);

/// What became of a batch.
#[derive(Debug, Default, Serialize)]
struct Summary {
    lines: u64,
    committed: u64,
    unchanged: u64,
    replayed: u64,
    queued: u64,
    failed: u64,
    #[serde(skip)]
    first_failure: Option<(u64, u8)>,
}

impl Summary {
    fn words(&self) -> String {
        let Self { lines, committed, unchanged, replayed, queued, failed, .. } = self;
        let counts = [
            (committed, "committed"),
            (unchanged, "unchanged"),
            (replayed, "replayed"),
            (queued, "queued"),
            (failed, "failed"),
        ];
        let counts = counts.iter().filter(|(count, _)| **count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("{lines} lines: {}", counts.join(", "))
    }
}

impl Batch {
    /// Sends every line of `source`.
    ///
    /// # Errors
    /// If the source cannot be read, and quietly with the code of the first line that failed.
    pub(super) async fn run(self, output: Output, client: Client, source: &Source) -> Result<()> {
        let input = input::lines(source).await?;
        let id = self.id.unwrap_or_else(Uuid::now_v7);
        let bar = progress::bar(output, source);
        let announcement = json!({"batch": id});
        output.write(&announcement, || format!("batch {id} (to resume it: --batch {id})"))?;
        let (answers, mut answered) = mpsc::channel(self.in_flight);
        let feeding = tokio::spawn(Arc::new(self).feed(id, client, input, answers));
        let mut summary = Summary::default();
        while let Some((number, length, outcome)) = answered.recv().await {
            summary.lines += 1;
            note(output, &bar, &mut summary, number, outcome)?;
            bar.inc(length as u64 + 1);
            bar.set_message(format!("{} lines, {} failed", summary.lines, summary.failed));
        }
        bar.finish_and_clear();
        output.write(&summary, || summary.words())?;
        feeding.await.context("the reader of the lines failed")??;
        summary.first_failure.map_or(Ok(()), |(_, code)| Err(Quietly(code).into()))
    }

    /// Reads lines and hands each to the lane of its aggregate.
    async fn feed(
        self: Arc<Self>,
        id: Uuid,
        client: Client,
        input: input::Lines,
        answers: mpsc::Sender<Answer>,
    ) -> Result<()> {
        let lanes: Vec<_> = (0..self.in_flight)
            .map(|_| {
                let (lane, work) = mpsc::channel(LANE_LINES);
                tokio::spawn(Arc::clone(&self).lane(client.clone(), work, answers.clone()));
                lane
            })
            .collect();
        drop(answers);
        let mut lines = std::pin::pin!(lines::numbered(input));
        while let Some(line) = lines.next().await {
            let (number, line) = line?;
            let mut request = lines::request(id, self.target.as_ref(), number, &line);
            let mut hasher = DefaultHasher::new();
            if let Ok(request) = &mut request {
                self.common.apply(request);
                (&request.aggregate, request.id.as_str()).hash(&mut hasher);
            }
            let lane = usize::try_from(hasher.finish() % lanes.len() as u64)?;
            if lanes[lane].send((number, line.len(), request)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn lane(
        self: Arc<Self>,
        client: Client,
        mut work: mpsc::Receiver<Work>,
        answers: mpsc::Sender<Answer>,
    ) {
        while let Some((number, length, request)) = work.recv().await {
            let outcome = match request {
                Ok(request) => self.send(&client, &request).await,
                Err(problem) => Err(problem),
            };
            if answers.send((number, length, outcome)).await.is_err() {
                return;
            }
        }
    }

    async fn send(
        &self,
        client: &Client,
        request: &CommandRequest,
    ) -> Result<Option<Status>, Problem> {
        let mut attempt = 1;
        loop {
            let sent = if self.durable {
                client.enqueue(request).await.map(|_| None)
            } else {
                client.send(request).await.map(|reply| Some(reply.status))
            };
            // A deadline does not come back.
            let passes = |problem: &Problem| problem.is_transient() && problem.code != "deadline";
            match sent {
                Err(problem) if passes(&problem) && attempt < ATTEMPTS_MAX => {
                    sleep(PAUSE_MIN * 2u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                sent => return sent,
            }
        }
    }
}

fn note(
    output: Output,
    bar: &ProgressBar,
    summary: &mut Summary,
    number: u64,
    outcome: Result<Option<Status>, Problem>,
) -> Result<()> {
    match outcome {
        Ok(Some(Status::Committed)) => summary.committed += 1,
        Ok(Some(Status::Unchanged)) => summary.unchanged += 1,
        Ok(Some(Status::Replayed)) => summary.replayed += 1,
        Ok(None) => summary.queued += 1,
        Err(problem) => {
            summary.failed += 1;
            // Answers come in any order; the exit code is that of the first line that failed.
            let failure = (number, code_of(&problem));
            let first = summary.first_failure.map_or(failure, |first| first.min(failure));
            summary.first_failure = Some(first);
            let failure = json!({"line": number, "problem": problem});
            let words = || format!("line {number}: {}: {}", problem.code, clean(&problem.detail));
            // The bar would otherwise be drawn through the line.
            bar.suspend(|| output.write(&failure, words))?;
        }
    }
    Ok(())
}
