//! One round: a fresh server, the service as a process of its own, and each measurement once.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use infrastructure::{
    broker::{Broker, BrokerOptions},
    connection::{self, ConnectOptions},
};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    runtime, task,
};

use super::{
    load::{Load, Measured},
    work::{Commands, Echo, Publish, SPREAD, payload},
    worker::READY,
};

/// Requests in flight over many aggregates.
pub(super) const SPREAD_IN_FLIGHT: usize = 256;
/// Requests in flight on one aggregate.
pub(super) const HOT_IN_FLIGHT: usize = 64;

/// What every round needs.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) binary: PathBuf,
    pub(super) time: Duration,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Figure {
    EchoOne,
    PublishOne,
    CommandsOne,
    EchoSpread,
    PublishSpread,
    EnvelopeSpread,
    CommandsSpread,
    HotCoalesced,
    HotSingle,
}

/// The figures of one round.
pub(super) type Round = Vec<(Figure, Measured)>;

pub(super) async fn round(plan: &Plan, sync_always: bool) -> Result<Round> {
    let folder = tempfile::tempdir()?;
    let options = BrokerOptions { sync_always, ..BrokerOptions::new(&plan.binary, folder.path()) };
    let broker = Broker::start(options).await?;
    let mut round = Round::new();
    for single in [false, true] {
        let more: &[&str] = if single { &["--single"] } else { &[] };
        let mut service = Service::start(broker.url(), more).await?;
        let (url, time) = (broker.url().to_owned(), plan.time);
        // A thread and a runtime of its own, so that the load stays lean whatever else runs here.
        let figures = task::spawn_blocking(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if single { one_event_a_commit(&url, time).await } else { all(&url, time).await }
            })
        });
        round.extend(figures.await??);
        service.stop().await?;
    }
    broker.stop().await?;
    Ok(round)
}

async fn all(url: &str, time: Duration) -> Result<Round> {
    let mut load = open(url).await?;
    let body = payload();
    let mut echo = Echo { body: body.clone() };
    let mut publish = Publish::new(body.clone(), "raw", SPREAD_IN_FLIGHT)?;
    let mut enveloped = Publish::enveloped(&body, SPREAD_IN_FLIGHT)?;
    let mut spread = Commands::new(body.clone(), "spread", SPREAD)?;
    let mut hot = Commands::new(body, "hot", 1)?;
    load.warm(&mut echo, SPREAD_IN_FLIGHT, SPREAD).await?;
    load.warm(&mut publish, SPREAD_IN_FLIGHT, SPREAD).await?;
    load.warm(&mut enveloped, SPREAD_IN_FLIGHT, SPREAD).await?;
    load.warm(&mut spread, SPREAD_IN_FLIGHT, SPREAD).await?;
    load.warm(&mut hot, HOT_IN_FLIGHT, SPREAD).await?;
    Ok(vec![
        (Figure::EchoOne, load.run(&mut echo, 1, time).await?),
        (Figure::PublishOne, load.run(&mut publish, 1, time).await?),
        (Figure::CommandsOne, load.run(&mut spread, 1, time).await?),
        (Figure::EchoSpread, load.run(&mut echo, SPREAD_IN_FLIGHT, time).await?),
        (Figure::PublishSpread, load.run(&mut publish, SPREAD_IN_FLIGHT, time).await?),
        (Figure::EnvelopeSpread, load.run(&mut enveloped, SPREAD_IN_FLIGHT, time).await?),
        (Figure::CommandsSpread, load.run(&mut spread, SPREAD_IN_FLIGHT, time).await?),
        (Figure::HotCoalesced, load.run(&mut hot, HOT_IN_FLIGHT, time).await?),
    ])
}

async fn one_event_a_commit(url: &str, time: Duration) -> Result<Round> {
    let mut load = open(url).await?;
    let mut hot = Commands::new(payload(), "hot-single", 1)?;
    load.warm(&mut hot, HOT_IN_FLIGHT, HOT_IN_FLIGHT).await?;
    Ok(vec![(Figure::HotSingle, load.run(&mut hot, HOT_IN_FLIGHT, time).await?)])
}

async fn open(url: &str) -> Result<Load> {
    Load::open(connection::connect(&ConnectOptions::new(url)).await?, SPREAD_IN_FLIGHT).await
}

/// The service under load. It ends when its standard input closes, so also when we do.
pub(super) struct Service {
    child: Child,
    /// What it said about itself when it was ready.
    pub(super) said: String,
}

impl Service {
    pub(super) async fn start(url: &str, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "--worker", url]).args(more).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().context("the service has no standard output")?;
        let first = BufReader::new(said).lines().next_line().await?;
        let Some(said) = first.as_deref().and_then(|line| line.strip_prefix(READY)) else {
            bail!("the service under load did not start: {}", child.wait().await?);
        };
        Ok(Self { child, said: said.to_owned() })
    }

    pub(super) async fn stop(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("the service under load ended badly: {status}");
        }
        Ok(())
    }
}
