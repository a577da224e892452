//! `headwater soak`: whether the promises hold, on a throw-away server, under faults.
//! Not here: the faults and the checks.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    broker,
    exit::Quietly,
    options::{Global, JsonArgs},
    output::{Output, clean},
    signals::Stop,
    soak::{
        self, Fault, Outcome, Plan, Progress,
        check::{Summary, Violation},
        evidence::Evidence,
    },
};

/// What `headwater soak` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Rounds follow one another, each on a server, instances and a mail server of its own in a folder that \
is deleted when all was in order and named when it was not. A round's seed gives its commands and its \
faults: the first round has the seed that was given, the next one the number after it. No running \
service and no data folder is touched.

Exit code 1 if a promise was broken; the first one is named.

Examples:
  headwater soak --minutes 10
  headwater soak --minutes 0 --seed 42                  # one round again
  headwater soak --minutes 60 --instances 3 --faults kill,pause,broker --json")]
pub struct SoakArgs {
    /// Begin rounds for so long; with 0 there is one
    #[arg(long, value_name = "N", default_value_t = 5)]
    minutes: u64,
    /// Seed of the first round [default: a new one]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Instances of the service
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    instances: u8,
    /// Faults in each round
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(0..=1000))]
    strikes: u32,
    /// Which kinds of faults [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULTS")]
    faults: Vec<Fault>,
    /// An empty PostgreSQL database for one round, instead of SQLite files
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is said about one round.
#[derive(Debug, Serialize)]
struct Round<'a> {
    verdict: &'static str,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<&'a Violation>,
    strikes: &'a BTreeMap<String, u32>,
    transient: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
}

/// Runs rounds until the time is over or a promise is broken.
///
/// # Errors
/// If a promise was broken, or a part of a round does not start.
pub async fn run(global: &Global, args: SoakArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let mut stop = Stop::listen()?;
    let broker = broker::binary(&global.data).await?;
    let mut seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let end = Instant::now() + Duration::from_secs(args.minutes.saturating_mul(60));
    loop {
        let folder = tempfile::Builder::new().prefix("headwater-soak-").tempdir()?;
        let mut plan =
            Plan::new(std::env::current_exe()?, broker.clone(), folder.path().to_owned(), seed);
        plan.instances = args.instances.into();
        plan.strikes = args.strikes.try_into()?;
        plan.store.clone_from(&args.store);
        if !args.faults.is_empty() {
            plan.faults.clone_from(&args.faults);
        }
        let say = |progress: &Progress| {
            let _ = output.write(progress, || in_words(progress));
        };
        let ended = tokio::select! {
            () = stop.asked() => return Err(Quietly(1).into()),
            ended = Box::pin(soak::run(&plan, &say)) => ended,
        };
        let outcome = match ended {
            Ok(outcome) => outcome,
            Err(error) => {
                let kept = folder.keep();
                return Err(error.context(format!(
                    "seed {seed} could not be carried out; its folder is {}",
                    kept.display()
                )));
            }
        };
        let kept = match &outcome.verdict {
            Ok(_) => None,
            Err(_) => Some(keep(folder.keep(), &outcome.evidence)?),
        };
        told(output, seed, &outcome, kept)?;
        if outcome.verdict.is_err() {
            return Err(Quietly(1).into());
        }
        if Instant::now() >= end {
            return Ok(());
        }
        seed = seed.wrapping_add(1);
    }
}

fn in_words(progress: &Progress) -> String {
    let Progress { seed, doing, answered } = progress;
    format!("seed {seed}: {doing}, {answered} commands answered")
}

/// Writes the evidence beside what the processes left.
fn keep(folder: PathBuf, evidence: &Evidence) -> Result<PathBuf> {
    fs::write(folder.join("evidence.json"), serde_json::to_vec(evidence)?)?;
    Ok(folder)
}

fn told(output: Output, seed: u64, outcome: &Outcome, folder: Option<PathBuf>) -> Result<()> {
    let Outcome { verdict, strikes, transient, .. } = outcome;
    let round = Round {
        verdict: if verdict.is_ok() { "kept" } else { "broken" },
        seed,
        summary: verdict.as_ref().ok(),
        violation: verdict.as_ref().err(),
        strikes,
        transient,
        folder: folder.map(|folder| folder.display().to_string()),
    };
    output.write(&round, || match (verdict, &round.folder) {
        (Ok(summary), _) => {
            let Summary { commits, commands, orders, timers, documents, mails, foreign, .. } =
                summary;
            format!(
                "seed {seed}: every promise kept: {commands} commands, {commits} commits, {orders} \
                 orders, {timers} timers, {documents} documents, {mails} mails, {foreign} events \
                 that nobody could read"
            )
        }
        (Err(violation), folder) => {
            let violation = clean(&violation.to_string());
            let folder = folder.as_deref().unwrap_or_default();
            format!("seed {seed}: broken: {violation}\nEverything about it is kept in {folder}")
        }
    })
}
