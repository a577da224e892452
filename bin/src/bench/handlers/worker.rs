//! One measurement as a process of its own: it is told what to do on standard input, says how far it
//! is on standard output, and ends when standard input closes.

use std::{
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use async_nats::jetstream::{self, consumer::pull};
use chrono::Utc;
use domain::person::{Person, PersonEvent};
use futures::StreamExt as _;
use infrastructure::{
    client::Client,
    composition::{Composition, HandlerKind},
    connection::{self, ConnectOptions},
    handler::{HandlerOptions, HandlerStatus, Handlers},
    provision::ProvisionOptions,
    readmodel::StoreLocation,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::{Aggregate as _, Policy, Reaction, Recorded, Secret, Start};
use nats::{Subject, names};
use projections::People;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Stdin},
    time,
};

use crate::contexts;

/// How often a handler's position is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// How often it is told.
const TELL: Duration = Duration::from_millis(200);

/// What a worker is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) url: String,
    pub(super) job: Job,
}

/// What a worker does.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Job {
    /// Read the log up to there with an ordered consumer, and do nothing about it.
    Ordered { until: u64 },
    /// Catch up with a policy that answers nothing.
    Nothing { until: u64 },
    /// Catch up with a projection.
    People { until: u64, store: String },
    /// Take commands.
    Commands,
    /// Run every handler, and note when they got how far.
    Handlers { store: String },
}

/// What a worker says, one line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    /// It has begun.
    Ready,
    /// Everything up to here is done.
    At(u64),
    /// The end was reached after so many seconds.
    Done { seconds: f64, handled: u64 },
    /// What was noted about the handlers of each kind.
    Noted { projections: Vec<Reached>, policies: Vec<Reached> },
}

/// All handlers of a kind had reached `position` at a time, in microseconds of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    pub(super) at: u64,
    pub(super) position: u64,
}

/// The policy that answers nothing.
struct Nothing;

impl Policy for Nothing {
    const NAME: &'static str = "nothing";
    const START: Start = Start::Beginning;
    type When = PersonEvent;

    fn react(&self, _: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Reaction>> {
        Ok(Vec::new())
    }
}

/// Does what standard input says.
pub(super) async fn run() -> Result<()> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).await?;
    let Task { url, job } = serde_json::from_str(&line)?;
    match job {
        Job::Ordered { until } => ordered(&url, until, input).await,
        Job::Nothing { until } => {
            let composition = Composition::new().aggregate::<Person>().policy(Nothing);
            let options = HandlerOptions {
                projections: false,
                ..HandlerOptions::new("bench", PathBuf::new())
            };
            caught_up(&url, &composition, options, until, input).await
        }
        Job::People { until, store } => {
            let composition = Composition::new().aggregate::<Person>().projection(People);
            let options = HandlerOptions::new("bench", store.parse::<StoreLocation>()?);
            caught_up(&url, &composition, options, until, input).await
        }
        Job::Commands => {
            let roles = Roles { policies: false, projections: false, ..Roles::default() };
            let runtime = service(url, roles, PathBuf::new().into()).await?;
            say(&Said::Ready)?;
            end(input).await?;
            runtime.drain().await;
            Ok(())
        }
        Job::Handlers { store } => handlers(url, store.parse()?, input).await,
    }
}

async fn ordered(url: &str, until: u64, input: BufReader<Stdin>) -> Result<()> {
    let connection = connection::connect(&ConnectOptions::new(url)).await?;
    say(&Said::Ready)?;
    let begun = Instant::now();
    let stream = jetstream::new(connection).get_stream(names::EVENTS).await?;
    let config = pull::OrderedConfig {
        filter_subject: Subject::events_of(Person::TYPE),
        ..pull::OrderedConfig::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    let (mut read, mut told) = (0, begun);
    while read < until {
        let message = messages.next().await.context("the consumer ended")??;
        let info = message.info().map_err(|error| anyhow::anyhow!(error))?;
        read = info.stream_sequence;
        if told.elapsed() > TELL {
            told = Instant::now();
            say(&Said::At(read))?;
        }
    }
    say(&Said::Done { seconds: begun.elapsed().as_secs_f64(), handled: read })?;
    end(input).await
}

/// Runs one handler until it has handled everything up to `until`.
async fn caught_up(
    url: &str,
    composition: &Composition,
    options: HandlerOptions,
    until: u64,
    input: BufReader<Stdin>,
) -> Result<()> {
    let client = Client::new(connection::connect(&ConnectOptions::new(url)).await?);
    say(&Said::Ready)?;
    let begun = Instant::now();
    let handlers = Handlers::start(&client, composition, options).await?;
    let mut told = begun;
    let handled = loop {
        let status = handlers.status().into_iter().next().context("the handler does not run")?;
        if status.position >= until {
            break status.handled;
        }
        if told.elapsed() > TELL {
            told = Instant::now();
            say(&Said::At(status.position))?;
        }
        time::sleep(LOOK).await;
    };
    say(&Said::Done { seconds: begun.elapsed().as_secs_f64(), handled })?;
    end(input).await?;
    handlers.stop().await;
    Ok(())
}

async fn service(url: String, roles: Roles, store: StoreLocation) -> Result<Runtime> {
    let instance = format!("bench-{}", std::process::id());
    Ok(Runtime::start(RuntimeOptions {
        connect: ConnectOptions::new(url),
        provision: ProvisionOptions::default(),
        composition: contexts::composition(),
        roles,
        secret: Secret::new([7; 32]),
        master_keys: None,
        store,
        instance,
    })
    .await?)
}

async fn handlers(url: String, store: StoreLocation, mut input: BufReader<Stdin>) -> Result<()> {
    let roles = Roles { commands: false, durable: false, ..Roles::default() };
    let runtime = service(url, roles, store).await?;
    let composition = contexts::composition();
    let readers: Vec<_> =
        composition.readers_of(Person::TYPE).into_iter().map(|it| it.name).collect();
    say(&Said::Ready)?;
    let mut told = Instant::now();
    let (mut projections, mut policies) = (Vec::new(), Vec::new());
    let mut rest = Vec::new();
    let mut asked_to_end = std::pin::pin!(input.read_to_end(&mut rest));
    let mut look = time::interval(LOOK);
    look.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut asked_to_end => break,
            _ = look.tick() => {}
        }
        let mut statuses = runtime.handlers();
        statuses.retain(|status| readers.contains(&&*status.name));
        let at = u64::try_from(Utc::now().timestamp_micros())?;
        note(&mut projections, at, &statuses, |kind| kind == HandlerKind::Projection);
        note(&mut policies, at, &statuses, |kind| kind != HandlerKind::Projection);
        if told.elapsed() > TELL {
            told = Instant::now();
            say(&Said::At(statuses.iter().map(|it| it.position).min().unwrap_or_default()))?;
        }
    }
    say(&Said::Noted { projections, policies })?;
    runtime.drain().await;
    Ok(())
}

/// Notes how far all handlers of a kind are, if that is further than before.
fn note(
    reached: &mut Vec<Reached>,
    at: u64,
    statuses: &[HandlerStatus],
    of: impl Fn(HandlerKind) -> bool,
) {
    let of_kind = statuses.iter().filter(|status| of(status.kind));
    let position = of_kind.map(|status| status.position).min().unwrap_or_default();
    if reached.last().is_none_or(|last| last.position < position) {
        reached.push(Reached { at, position });
    }
}

/// Waits until standard input closes.
async fn end(mut input: BufReader<Stdin>) -> Result<()> {
    input.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

fn say(said: &Said) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, said)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
