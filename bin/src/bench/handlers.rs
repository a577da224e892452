//! `headwater bench handlers`: how near projections and policies come to what the store and the
//! server themselves can do, how far they are behind under load, and what memory they take.
//!
//! Every limit is measured in the same round as what is held against it. Everything runs on servers
//! of its own, and each measurement in a process of its own. Not here: commands; `headwater bench`
//! alone measures those.

mod behind;
mod catch_up;
mod child;
mod lag;
mod lives;
mod progress;
mod report;
mod worker;

use std::{path::Path, time::Duration};

use anyhow::Result;
use clap::Args;
use infrastructure::{
    broker::{Broker, BrokerError, BrokerOptions},
    readmodel::{PostgresUrl, StoreLocation},
};

use self::{catch_up::Plan, progress::Progress, report::Report};
use super::machine::Machine;
use crate::{
    exit::Advised,
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater bench handlers` takes.
#[derive(Debug, Clone, Args)]
pub struct HandlersArgs {
    #[command(flatten)]
    json: JsonArgs,
    /// How many events handlers catch up with
    #[arg(long, default_value_t = 200_000, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    events: u64,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// For how many seconds commands come, to see how far handlers are behind; 0 for none
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=3600))]
    seconds: u64,
    /// Measure on this PostgreSQL, too, such as `postgres://USER@HOST/DATABASE`, in databases that
    /// are made and taken away
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Measure one thing and tell the bench, which starts this itself
    #[arg(long, hide = true)]
    worker: bool,
}

/// Measures on throw-away servers; the binary is found under, or installed into, the data folder.
///
/// # Errors
/// If a process cannot be started or something is not as it should be afterwards.
pub(super) async fn run(global: &Global, args: HandlersArgs) -> Result<()> {
    if args.worker {
        return worker::run().await;
    }
    let HandlersArgs { json, events, rounds, seconds, postgres, .. } = args;
    let postgres = postgres.map(|url| server(&url)).transpose()?;
    let binary = crate::broker::binary(&global.data).await?;
    let output = Output::with(global, json);
    let progress = Progress::new(output);
    let plan = Plan { binary, events, rounds, postgres };
    let rounds = catch_up::measure(&plan, &progress).await?;
    let lag = match seconds {
        0 => Ok(None),
        _ => lag::measure(&plan.binary, Duration::from_secs(seconds), &progress).await.map(Some),
    };
    progress.clear();
    // What was measured before something failed is told all the same.
    let (lag, failed) = lag.map_or_else(|error| (None, Err(error)), |lag| (lag, Ok(())));
    Report::new(Machine::describe(), &plan, &rounds, lag).print(output.is_json())?;
    failed
}

/// A server of one node that does not wait for its disk: what is measured is what handlers add.
async fn start_broker(binary: &Path, data: &Path) -> Result<Broker, BrokerError> {
    let options = BrokerOptions { sync_always: false, ..BrokerOptions::new(binary, data) };
    Broker::start(options).await
}

fn server(url: &str) -> Result<PostgresUrl> {
    match url.parse() {
        Ok(StoreLocation::Postgres(url)) => Ok(url),
        _ => Err(Advised::usage(
            "--postgres names no PostgreSQL",
            "Give it postgres://USER@HOST/DATABASE.",
        )
        .into()),
    }
}
