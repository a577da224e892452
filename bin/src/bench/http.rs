//! `headwater bench http`: what a command costs more over HTTP than over NATS.
//!
//! A command over HTTP costs at least one round trip to a server of HTTP and the same command over NATS,
//! so the limit is 1 / (1 / echo rate + 1 / command rate), with all three measured in turn, round after
//! round, on one server with one payload. The echo is a bare axum in the process of the gateway. Not here:
//! what a command itself costs; `headwater bench` alone measures that.

mod face;
mod load;
mod report;

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use infrastructure::{
    broker::{Broker, BrokerOptions},
    connection::{self, ConnectOptions},
};
use tokio::{runtime, task};

pub(super) use self::face::Face;
use self::{
    load::Ask,
    report::{Report, Round, Turn},
};
use super::{
    load::Load,
    machine::Machine,
    measure::Service,
    report::progress,
    work::{Commands, SPREAD, payload},
};
use crate::{
    options::{Global, JsonArgs},
    output::Output,
};

/// How many are in flight in one turn after the other.
const IN_FLIGHT: [usize; 2] = [1, 64];

/// What `headwater bench http` takes.
#[derive(Debug, Clone, Args)]
pub struct HttpBenchArgs {
    #[command(flatten)]
    json: JsonArgs,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many rounds to take the median of
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// Measures on throw-away servers; the binary is found under, or installed into, the data folder.
///
/// # Errors
/// If a process cannot be started or an answer is not the one expected.
pub(super) async fn run(global: &Global, args: HttpBenchArgs) -> Result<()> {
    let binary = crate::broker::binary(&global.data).await?;
    let (time, mut rounds) = (Duration::from_secs(args.seconds), Vec::new());
    for number in 1..=args.rounds {
        progress(&format!("round {number} of {}", args.rounds));
        let folder = tempfile::tempdir()?;
        let options = BrokerOptions::new(&binary, folder.path());
        let broker = Broker::start(BrokerOptions { sync_always: false, ..options }).await?;
        let mut service = Service::start(broker.url(), &["--http"]).await?;
        let (url, face) = (broker.url().to_owned(), service.said.parse()?);
        // A thread and a runtime of its own, so that the load stays lean whatever else runs here.
        let round = task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(round(&url, &face, time))
        });
        rounds.push(round.await??);
        service.stop().await?;
        broker.stop().await?;
    }
    let report = Report::new(Machine::describe(), args.seconds, &rounds);
    report.print(Output::with(global, args.json).is_json())
}

async fn round(url: &str, face: &Face, time: Duration) -> Result<Round> {
    let most = IN_FLIGHT.into_iter().max().context("nothing is to be in flight")?;
    let connection = connection::connect(&ConnectOptions::new(url)).await?;
    let mut nats = Load::open(connection, most).await?;
    let body = payload();
    let mut commands = Commands::new(body.clone(), "nats", SPREAD)?;
    let mut echo = Ask::echo(&face.echo, &body);
    let mut asked = Ask::commands(&face.gateway, &face.key, &body);
    nats.warm(&mut commands, most, SPREAD).await?;
    load::run(&mut echo, most, time).await?;
    load::run(&mut asked, most, time).await?;
    let mut turns = Vec::new();
    for in_flight in IN_FLIGHT {
        turns.push(Turn {
            in_flight,
            nats: nats.run(&mut commands, in_flight, time).await?,
            echo: load::run(&mut echo, in_flight, time).await?,
            http: load::run(&mut asked, in_flight, time).await?,
        });
    }
    Ok(turns)
}
