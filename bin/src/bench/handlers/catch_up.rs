//! Catching up with a long log: a projection beside single-row inserts of its rows, and a policy
//! that answers nothing beside a consumer that does nothing.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream;
use futures::TryStreamExt as _;
use infrastructure::{
    connection::{self, ConnectOptions},
    handler::HandlerOptions,
    provision::{ProvisionOptions, provision},
    readmodel::{
        PostgresUrl, StoreLocation,
        yardstick::{Row, ScratchDatabase, Yardstick},
    },
};
use nats::names;
use tempfile::TempDir;
use tokio::{runtime, task};
use uuid::Uuid;

use super::{
    child::{Memory, Worker},
    lives::Lives,
    progress::Progress,
    start_broker,
    worker::Job,
};
use crate::bench::load::Load;

/// People whose lives the log is made of.
pub(super) const PEOPLE: usize = 10_000;
/// Rows that are inserted one by one: a rate needs no more.
const ROWS: u64 = 100_000;
/// The same where each is a transaction of its own, which takes longer.
const ROWS_ALONE: usize = 10_000;
/// Appends on their way while the log is filled.
const IN_FLIGHT: usize = 256;
/// Appends after which progress is shown.
const STEP: u64 = 5_000;

/// What is measured.
pub(super) struct Plan {
    pub(super) binary: PathBuf,
    pub(super) events: u64,
    pub(super) rounds: u32,
    pub(super) postgres: Option<PostgresUrl>,
}

/// Ours beside its limit, in one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// In a second.
    pub(super) limit: f64,
    /// Rows in a second where each is a transaction of its own; none without rows.
    pub(super) alone: Option<f64>,
    /// Events in a second.
    pub(super) ours: f64,
    /// Microseconds of the processors that an event took in our process.
    pub(super) cpu_us: f64,
    pub(super) memory: Memory,
}

/// One round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) sqlite: Pair,
    pub(super) postgres: Option<Pair>,
    pub(super) nothing: Pair,
}

pub(super) async fn measure(plan: &Plan, progress: &Progress) -> Result<Vec<Round>> {
    let folder = tempfile::tempdir()?;
    let broker = start_broker(&plan.binary, folder.path()).await?;
    let bench = Bench { url: broker.url().to_owned(), events: plan.events, progress };
    let rows = bench.fill().await?;
    let mut rounds = Vec::new();
    for number in 1..=plan.rounds {
        let round = format!("round {number} of {}", plan.rounds);
        let sqlite = bench.projection(&rows, None, &format!("{round}, SQLite")).await?;
        let postgres = match &plan.postgres {
            None => None,
            Some(url) => {
                let round = format!("{round}, PostgreSQL");
                Some(bench.projection(&rows, Some(url), &round).await?)
            }
        };
        let nothing = bench.nothing(&round).await?;
        rounds.push(Round { sqlite, postgres, nothing });
    }
    broker.stop().await?;
    Ok(rounds)
}

/// A new store that is gone afterwards.
enum Scratch {
    File(TempDir),
    Database(ScratchDatabase, String),
}

impl Scratch {
    async fn make(server: Option<&PostgresUrl>) -> Result<Self> {
        let Some(server) = server else { return Ok(Self::File(tempfile::tempdir()?)) };
        let name = format!("headwater_bench_{}", Uuid::now_v7().simple());
        let database = ScratchDatabase::create(server, name).await?;
        let url = database.url()?;
        Ok(Self::Database(database, url))
    }

    fn location(&self) -> String {
        match self {
            Self::File(folder) => folder.path().join("read.sqlite").display().to_string(),
            Self::Database(_, url) => url.clone(),
        }
    }

    async fn discard(self) -> Result<()> {
        match self {
            Self::File(folder) => folder.close()?,
            Self::Database(database, _) => database.discard().await?,
        }
        Ok(())
    }
}

struct Bench<'a> {
    url: String,
    events: u64,
    progress: &'a Progress,
}

impl Bench<'_> {
    /// Fills the log; the rows that are to be inserted one by one.
    async fn fill(&self) -> Result<Vec<Row>> {
        let connection = connection::connect(&ConnectOptions::new(&self.url)).await?;
        provision(&connection, &ProvisionOptions::default()).await?;
        let (url, events) = (self.url.clone(), self.events);
        self.progress.stage("filling the log".to_owned(), events);
        let bar = self.progress.clone();
        // A thread and a runtime of its own, as for commands.
        let rows = task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let connection = connection::connect(&ConnectOptions::new(url)).await?;
                let mut load = Load::open(connection, IN_FLIGHT).await?;
                let mut lives = Lives::new(PEOPLE, events / ROWS)?;
                for done in (0..events).step_by(usize::try_from(STEP)?) {
                    bar.at(done);
                    let count = usize::try_from(STEP.min(events - done))?;
                    load.warm(&mut lives, IN_FLIGHT, count).await?;
                }
                anyhow::Ok(lives.rows)
            })
        });
        rows.await?
    }

    /// Forgets how far any handler has come, and whose store it was in.
    async fn forget(&self) -> Result<()> {
        let connection = connection::connect(&ConnectOptions::new(&self.url)).await?;
        let context = jetstream::new(connection);
        for bucket in [names::CHECKPOINTS, names::HANDLERS] {
            let bucket = context.get_key_value(bucket).await?;
            let keys: Vec<_> = bucket.keys().await?.try_collect().await?;
            for key in keys {
                bucket.purge(key).await?;
            }
        }
        Ok(())
    }

    async fn projection(
        &self,
        rows: &[Row],
        server: Option<&PostgresUrl>,
        round: &str,
    ) -> Result<Pair> {
        let together = HandlerOptions::new("", PathBuf::new()).batch_max;
        let limit = self.inserts(rows, server, together, round).await?;
        let few = rows.get(..ROWS_ALONE).unwrap_or(rows);
        let alone = self.inserts(few, server, 1, round).await?;
        self.forget().await?;
        let scratch = Scratch::make(server).await?;
        let job = Job::People { until: self.events, store: scratch.location() };
        let pair = self.caught_up(job, limit, format!("{round}: the projection")).await?;
        scratch.discard().await?;
        Ok(Pair { alone: Some(alone), ..pair })
    }

    /// Rows inserted in a second into a new store, one by one, so many to a transaction.
    async fn inserts(
        &self,
        rows: &[Row],
        server: Option<&PostgresUrl>,
        per_transaction: usize,
        round: &str,
    ) -> Result<f64> {
        let scratch = Scratch::make(server).await?;
        let location: StoreLocation = scratch.location().parse()?;
        let stage = format!("{round}: single-row inserts, {per_transaction} to a transaction");
        self.progress.stage(stage, rows.len() as u64);
        let yardstick = Yardstick::open(&location).await?;
        let begun = Instant::now();
        for (number, some) in rows.chunks(per_transaction).enumerate() {
            yardstick.insert(some).await?;
            self.progress.at((number * per_transaction) as u64);
        }
        let elapsed = begun.elapsed();
        yardstick.close().await;
        scratch.discard().await?;
        Ok(rows.len() as f64 / elapsed.as_secs_f64())
    }

    async fn nothing(&self, round: &str) -> Result<Pair> {
        let mut worker = Worker::start(&self.url, Job::Ordered { until: self.events }).await?;
        self.progress.stage(format!("{round}: a consumer that does nothing"), self.events);
        let (seconds, _) = worker.done(|at| self.progress.at(at)).await?;
        worker.end().await?;
        self.forget().await?;
        let job = Job::Nothing { until: self.events };
        let limit = self.events as f64 / seconds;
        self.caught_up(job, limit, format!("{round}: a policy that answers nothing")).await
    }

    async fn caught_up(&self, job: Job, limit: f64, stage: String) -> Result<Pair> {
        let mut worker = Worker::start(&self.url, job).await?;
        self.progress.stage(stage, self.events);
        let (seconds, handled) = worker.done(|at| self.progress.at(at)).await?;
        let (cpu, memory) = (worker.cpu(), worker.memory());
        worker.end().await.context("after it had caught up")?;
        ensure!(handled == self.events, "{handled} of {} events were handled", self.events);
        let events = self.events as f64;
        Ok(Pair { limit, alone: None, ours: events / seconds, cpu_us: cpu * 1e6 / events, memory })
    }
}
