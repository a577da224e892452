//! `headwater bench`: how near commands come to what the server itself can do.
//!
//! A command costs at least one round trip and one append, so the limit is
//! 1 / (1 / echo rate + 1 / publish rate), with all three measured in turn, round after round, on
//! one server with one payload. Broker, service and load are three processes, as in production.
//! Not here: the service; what is measured is what `serve` runs.

pub mod aggregate;
pub mod handlers;
pub mod http;
mod load;
mod machine;
mod measure;
mod report;
mod work;
mod worker;

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};

use machine::Machine;
use measure::{Plan, Round};
use report::Report;

use crate::{
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater bench` takes.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    of: Option<Of>,
    #[command(flatten)]
    json: JsonArgs,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Be the service under load: the bench starts this itself
    #[arg(long, hide = true, value_name = "URL")]
    pub worker: Option<String>,
    /// As the service under load, write one event a commit
    #[arg(long, hide = true, requires = "worker")]
    pub single: bool,
    /// As the service under load, answer over HTTP, too
    #[arg(long, hide = true, requires = "worker")]
    pub http: bool,
}

/// What else can be measured.
#[derive(Debug, Clone, Subcommand)]
enum Of {
    /// Measure projections and policies against what the store and the server themselves can do
    Handlers(handlers::HandlersArgs),
    /// Measure commands over HTTP against the same over NATS, and a bare server of HTTP
    ///
    /// A command over HTTP costs at least one answer of a server of HTTP and the same command over NATS, so
    /// there can be 1 / (1 / echo + 1 / NATS) a second at most. Both are measured in every round beside it:
    /// the echo is a bare axum in the process of the gateway. What is missing is what access control, checks
    /// and the second hop cost.
    Http(http::HttpBenchArgs),
}

/// Measures on throw-away servers; the binary is found under, or installed into, the data folder.
///
/// # Errors
/// If a process cannot be started or an answer is not the one expected.
pub async fn run(global: &Global, args: BenchArgs) -> Result<()> {
    match args.of {
        Some(Of::Handlers(args)) => return handlers::run(global, args).await,
        Some(Of::Http(args)) => return http::run(global, args).await,
        None => {}
    }
    if let Some(url) = &args.worker {
        return worker::run(url, args.single, args.http).await;
    }
    let binary = crate::broker::binary(&global.data).await?;
    let plan = Plan { binary, time: Duration::from_secs(args.seconds) };
    let mut report = Report::new(Machine::describe(), args.seconds);
    for sync_always in [false, true] {
        let mut rounds: Vec<Round> = Vec::new();
        for number in 1..=args.rounds {
            let mode = if sync_always { "always" } else { "default" };
            report::progress(&format!("sync {mode}, round {number} of {}", args.rounds));
            rounds.push(measure::round(&plan, sync_always).await?);
        }
        report.add(sync_always, &rounds);
    }
    report.print(Output::with(global, args.json).is_json())
}
