//! How far handlers are behind while commands come at a steady rate, whether they are answered or
//! not: the whole service, with one process that takes commands and one that runs every handler.

use std::{
    collections::HashMap,
    fmt::Display,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use async_nats::{Client, HeaderMap, Message, Subject, jetstream};
use bytes::Bytes;
use chrono::Utc;
use futures::StreamExt as _;
use infrastructure::{
    connection::{self, ConnectOptions},
    provision::{ProvisionOptions, provision},
};
use nats::{headers, names};
use serde::{Deserialize, Serialize};
use tokio::{
    runtime, task,
    time::{self, MissedTickBehavior},
};
use uuid::Uuid;

use super::{
    behind::{Behind, Committed, Spread, behind, spread, unhandled},
    child::{Memory, Worker},
    progress::Progress,
    start_broker,
    worker::{Job, Said},
};
use crate::bench::load::{Load, Request, Work};

/// Commands in a second.
pub(super) const RATE: u64 = 5_000;
/// People whom the commands are about.
const PEOPLE: usize = 10_000;
/// People created at the same time.
const IN_FLIGHT: usize = 64;
/// Pace of the commands: so many of them come together.
const BEAT: Duration = Duration::from_millis(2);
/// Longest wait for the last answers, and for handlers to come to rest.
pub(super) const REST_MAX: Duration = Duration::from_secs(60);
/// How often handlers are looked at while they come to rest.
const LOOK: Duration = Duration::from_millis(200);

/// What the load found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Lag {
    pub(super) seconds: f64,
    /// Commands committed in a second.
    pub(super) per_second: f64,
    /// Commands that were not, because the service had no room or no answer in time.
    pub(super) refused: u64,
    /// From when a command was due until its answer.
    pub(super) answers_ms: Spread,
    pub(super) projections: Behind,
    pub(super) policies: Behind,
    /// Commits that some handler had still not handled when it was waited for long enough.
    pub(super) unhandled: usize,
    /// Of the process that runs the handlers.
    pub(super) memory: Memory,
    /// Of which it used so many processors.
    pub(super) processors: f64,
}

/// What came of the commands.
struct Answers {
    committed: Vec<Committed>,
    /// Milliseconds to each answer.
    took: Vec<f64>,
    refused: u64,
}

pub(super) async fn measure(binary: &Path, time: Duration, progress: &Progress) -> Result<Lag> {
    let folder = tempfile::tempdir()?;
    let broker = start_broker(binary, folder.path()).await?;
    let connection = connection::connect(&ConnectOptions::new(broker.url())).await?;
    provision(&connection, &ProvisionOptions::default()).await?;
    let store = folder.path().join("read.sqlite").display().to_string();
    // The handlers first: a policy begins where it is registered.
    let mut handlers = Worker::start(broker.url(), Job::Handlers { store }).await?;
    let commands = Worker::start(broker.url(), Job::Commands).await?;
    progress.stage("creating people".to_owned(), PEOPLE as u64);
    let mut load = Load::open(connection.clone(), IN_FLIGHT).await?;
    load.warm(&mut Births(0), IN_FLIGHT, PEOPLE).await?;
    ensure!(at_rest(&connection, &mut handlers).await?, "the handlers do not catch up");
    handlers.warmed_up();
    let before = handlers.cpu();
    progress.stage(format!("{RATE} commands a second"), time.as_secs());
    let (url, begun) = (broker.url().to_owned(), Instant::now());
    let mut loading = task::spawn_blocking(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(offer(&url, time))
    });
    let answers = loop {
        tokio::select! {
            answers = &mut loading => break answers??,
            said = handlers.next() => { said?; }
        }
        progress.at(begun.elapsed().as_secs());
    };
    let seconds = begun.elapsed().as_secs_f64();
    let (memory, cpu) = (handlers.memory(), handlers.cpu() - before);
    at_rest(&connection, &mut handlers).await?;
    let (mut projections, mut policies) = (Vec::new(), Vec::new());
    for said in handlers.end().await? {
        if let Said::Noted { projections: p, policies: q } = said {
            (projections, policies) = (p, q);
        }
    }
    commands.end().await?;
    broker.stop().await?;
    let Answers { mut committed, took, refused } = answers;
    committed.sort_unstable_by_key(|commit| commit.position);
    Ok(Lag {
        seconds,
        per_second: committed.len() as f64 / time.as_secs_f64(),
        refused,
        answers_ms: spread(took),
        projections: behind(&committed, &projections),
        policies: behind(&committed, &policies),
        unhandled: unhandled(&committed, &[&projections, &policies]),
        memory,
        processors: cpu / seconds,
    })
}

/// Waits until everything in the log is handled; false if that takes too long.
async fn at_rest(connection: &Client, handlers: &mut Worker) -> Result<bool> {
    let stream = jetstream::new(connection.clone()).get_stream(names::EVENTS).await?;
    let rested = async {
        loop {
            let last = stream.get_info().await?.state.last_sequence;
            // Policies append, so the end may have moved meanwhile.
            while !matches!(handlers.next().await?, Said::At(position) if position >= last) {}
            time::sleep(LOOK).await;
            if stream.get_info().await?.state.last_sequence == last {
                return anyhow::Ok(());
            }
        }
    };
    time::timeout(REST_MAX, rested).await.map_or(Ok(false), |rested| rested.map(|()| true))
}

/// Sends commands for `time` at a steady rate and waits for their answers.
async fn offer(url: &str, time: Duration) -> Result<Answers> {
    let connection = connection::connect(&ConnectOptions::new(url)).await?;
    let inbox = connection.new_inbox();
    let mut replies = connection.subscribe(format!("{inbox}.*")).await?;
    let total = RATE * time.as_secs();
    let mut answers = Answers { committed: Vec::new(), took: Vec::new(), refused: 0 };
    let mut waiting: HashMap<u64, Instant> = HashMap::new();
    let (begun, mut sent) = (Instant::now(), 0);
    let mut beat = time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut given_up = std::pin::pin!(time::sleep(time + REST_MAX));
    while sent < total || !waiting.is_empty() {
        tokio::select! {
            reply = replies.next() => {
                let reply = reply.context("the connection closed")?;
                let number: u64 = reply.subject.rsplit('.').next().unwrap_or_default().parse()?;
                let due = waiting.remove(&number).context("an answer that is not ours")?;
                answers.took.push(due.elapsed().as_secs_f64() * 1e3);
                let at = u64::try_from(Utc::now().timestamp_micros())?;
                match committed(&reply)? {
                    Some(position) => answers.committed.push(Committed { at, position }),
                    None => answers.refused += 1,
                }
            }
            _ = beat.tick(), if sent < total => {
                let due = u64::try_from(begun.elapsed().as_micros())? * RATE / 1_000_000;
                while sent < due.min(total) {
                    let (subject, headers, body) = label(sent)?;
                    let reply = format!("{inbox}.{sent}");
                    waiting.insert(sent, begun + Duration::from_micros(sent * 1_000_000 / RATE));
                    connection.publish_with_reply_and_headers(subject, reply, headers, body).await?;
                    sent += 1;
                }
            }
            () = &mut given_up => anyhow::bail!("{} commands were not answered", waiting.len()),
        }
    }
    Ok(answers)
}

/// The subject of the command `name` for one person.
fn subject_of(person: impl Display, name: &str) -> Result<Subject> {
    Ok(nats::Subject::command("person", &person.to_string().parse()?, name).into())
}

/// The command with this number: each person in turn gets a tag, and loses it the next time.
fn label(number: u64) -> Result<(Subject, HeaderMap, Bytes)> {
    let (person, turn) = (number % PEOPLE as u64, number / PEOPLE as u64);
    let name = if turn.is_multiple_of(2) { "tag" } else { "untag" };
    let mut map = HeaderMap::new();
    map.insert(headers::COMMAND_ID, Uuid::now_v7().to_string());
    Ok((subject_of(person, name)?, map, Bytes::from_static(br#"{"tag":"bench"}"#)))
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    position: u64,
    #[serde(default)]
    status: serde_json::Value,
}

/// Where the commit of a command stands; none if the service was overrun by commands.
fn committed(answer: &Message) -> Result<Option<u64>> {
    let Reply { position, status } = serde_json::from_slice(&answer.payload)?;
    // 503 is busy, 504 an outcome that could not be told in time.
    let overrun = status.as_u64().is_some_and(|status| matches!(status, 503 | 504));
    let words = || String::from_utf8_lossy(&answer.payload);
    ensure!(position > 0 || overrun, "not committed: {}", words());
    Ok(Some(position).filter(|position| *position > 0))
}

/// People who are created, one after the other.
struct Births(usize);

impl Work for Births {
    fn next(&mut self, _: usize) -> Result<Request> {
        let subject = subject_of(self.0, "create-person")?;
        self.0 += 1;
        let mut map = HeaderMap::new();
        map.insert(headers::COMMAND_ID, Uuid::now_v7().to_string());
        let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
        Ok(Request { subject, headers: map, body: Bytes::from_static(body.as_bytes()) })
    }

    fn answered(&mut self, _: usize, answer: &Message) -> Result<()> {
        committed(answer)?.context("a person was not created").map(|_| ())
    }
}
