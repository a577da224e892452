//! `headwater send`: one command, or many from a file or standard input.

mod batch;
mod follow;
mod progress;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use infrastructure::{
    client::Client,
    request::{CommandRequest, Reply, Status},
};
use kit::{AggregateId, CommandId, Position, Version};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connection,
    exit::Advised,
    input::{self, Source},
    options::Global,
    output::Output,
};

const EXAMPLES: &str = r#"Examples:
  headwater send person ada create-person \
      --json '{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}' --follow
  headwater send person ada tag --json '{"tag":"vip"}' --command-id first-tag
  headwater send person ada tag --lines - < tags.jsonl      one body on each line
  headwater send --file people.jsonl                        one command on each line:
      {"aggregate":"person","id":"ada","command":"tag","body":{"tag":"vip"}}

Lines for one aggregate are sent one after the other. A line may also hold "command_id" and "expected_version". Lines without a command id get one that
derives from the batch's id, which is printed first: repeat with --batch ID to go on after an
interruption; what was done is answered `replayed`. Use --output json for output that machines read."#;

/// What `headwater send` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SendArgs {
    /// The aggregate's type, such as person
    aggregate: Option<String>,
    /// Which one
    #[arg(requires = "command")]
    id: Option<AggregateId>,
    /// The command's name, such as create-person
    command: Option<String>,
    /// `-` reads standard input, as `--file -` does
    #[arg(value_parser = dash, value_name = "-", conflicts_with_all = ["json", "file"])]
    input: Option<String>,
    /// The body, @FILE, or - for standard input; without any, the body is {}, and something on
    /// standard input is refused
    #[arg(long, value_name = "BODY", conflicts_with = "file")]
    json: Option<String>,
    /// Read the body, or with --lines or without a target many commands, from this file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Each line of the input is a body for the target
    #[arg(long, requires = "command", conflicts_with_all = ["follow", "command_id"])]
    lines: bool,
    /// Resume the batch with this id
    #[arg(long, value_name = "ID", value_parser = batch_id, conflicts_with = "command_id")]
    batch: Option<Uuid>,
    /// Most commands of a batch that wait for their answer
    #[arg(long, value_name = "NUMBER", default_value_t = 256)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=4096))]
    in_flight: u16,
    /// The idempotency key: a repeat with the same one is answered, not carried out again
    #[arg(long, value_name = "ID")]
    command_id: Option<CommandId>,
    /// Refuse unless the aggregate is at this version
    #[arg(long, value_name = "VERSION")]
    expected_version: Option<u64>,
    /// Refuse after this time (RFC 3339), or this many seconds from now, such as 5s
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    deadline: Option<DateTime<Utc>>,
    /// The conversation that this belongs to
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// On whose behalf
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Hand it to the work queue instead of waiting for the answer
    #[arg(long, conflicts_with = "follow")]
    durable: bool,
    /// Show the events that it sets off, through policies, until it is quiet
    #[arg(long)]
    follow: bool,
}

fn dash(text: &str) -> Result<String, &'static str> {
    let is_dash = text == "-";
    is_dash
        .then(|| text.to_owned())
        .ok_or("a body is given with --json, as in --json '{\"tag\":\"vip\"}'")
}

fn batch_id(text: &str) -> Result<Uuid, &'static str> {
    let id = text.parse().ok().filter(|id: &Uuid| id.get_version_num() == 7);
    id.ok_or("expected the id that an earlier run of this batch printed first")
}

fn deadline(text: &str) -> Result<DateTime<Utc>, String> {
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
    if let Some(seconds) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        let later = Utc::now().checked_add_signed(
            chrono::TimeDelta::from_std(seconds).map_err(|error| error.to_string())?,
        );
        return later.ok_or_else(|| "that is too far away".to_owned());
    }
    text.parse().map_err(|_| "expected a time such as 2026-11-21T12:00:00Z, or 5s".to_owned())
}

/// What the command line says about every command of a batch.
#[derive(Debug, Clone)]
struct Common {
    deadline: Option<DateTime<Utc>>,
    correlation_id: Option<String>,
    user: Option<String>,
}

impl Common {
    fn apply(&self, request: &mut CommandRequest) {
        request.deadline = self.deadline;
        request.correlation_id.clone_from(&self.correlation_id);
        request.user_id.clone_from(&self.user);
    }
}

/// Sends, and prints what came of it.
///
/// # Errors
/// The service's refusal; for a batch, the exit code of its first failure.
pub async fn run(global: &Global, args: SendArgs) -> Result<()> {
    let output = Output::new(global);
    let SendArgs { deadline, correlation_id, user, .. } = &args;
    let common =
        Common { deadline: *deadline, correlation_id: correlation_id.clone(), user: user.clone() };
    // `headwater send -`: the first word is not an aggregate then.
    let lone_dash = args.id.is_none() && args.aggregate.as_deref() == Some("-");
    let stdin = lone_dash
        || args.input.is_some()
        || args.file.as_deref().is_some_and(|path| path.as_os_str() == "-");
    let source = match (stdin, args.json, args.file) {
        (true, ..) => Some(Source::Stdin),
        (false, Some(argument), _) => Some(Source::of(argument)),
        (false, None, Some(path)) => Some(Source::File(path)),
        (false, None, None) => None,
    };
    let target = args.aggregate.zip(args.id).zip(args.command);
    let (target, source) = match (target, source) {
        (Some(((aggregate, id), name)), source) if !args.lines => {
            let bare = source.is_none();
            let body = match source {
                Some(source) => input::whole(&source).await?,
                None => b"{}".to_vec(),
            };
            if args.batch.is_some() {
                let advice = "One command is repeated with the same --command-id.";
                return Err(Advised::usage("--batch is for many commands", advice).into());
            }
            let mut request = CommandRequest::new(aggregate, id, name, body);
            common.apply(&mut request);
            request.command_id = args.command_id;
            request.expected_version = args.expected_version.map(Version);
            // At the same time, as a pipe is given a moment.
            let (client, ignored) = tokio::join!(connection::client(global), async {
                bare && input::is_offered().await
            });
            if ignored {
                return Err(unread().into());
            }
            let client = client?;
            return one(output, &client, request.identified(), args.durable, args.follow).await;
        }
        (Some(((aggregate, id), name)), Some(source)) => (Some((aggregate, id, name)), source),
        (None, Some(source)) if !args.follow && args.command_id.is_none() => (None, source),
        _ => {
            return Err(Advised::usage(
                "there is nothing to send",
                "Name an aggregate, an id and a command, or give many with --file FILE or -.\n\
                 `headwater send --help` has examples.",
            )
            .into());
        }
    };
    if args.expected_version.is_some() {
        let advice = "Each line of a batch may have an \"expected_version\" of its own.";
        return Err(Advised::usage("--expected-version is for one command", advice).into());
    }
    let batch = batch::Batch {
        id: args.batch,
        target,
        common,
        durable: args.durable,
        in_flight: args.in_flight.into(),
    };
    batch.run(output, connection::client(global).await?, &source).await
}

/// Somebody wrote a body to where it is not read.
fn unread() -> Advised {
    Advised::usage(
        "there is something on standard input, which is only read if `-` says so",
        "Nothing was sent. For a body from there say `-`; for a command without one say --json '{}',\n\
         or in a loop that reads its list from there </dev/null.",
    )
}

async fn one(
    output: Output,
    client: &Client,
    request: CommandRequest,
    durable: bool,
    follow: bool,
) -> Result<()> {
    if durable {
        let id = client.enqueue(&request).await?;
        let answer = json!({"status": "queued", "command_id": id});
        return output.write(&answer, || {
            let ask = format!("headwater query commands result --param command_id={id}");
            format!("queued {id}\nwhat becomes of it: {ask}")
        });
    }
    let reply = client.send(&request).await?;
    output.write(&reply, || describe(&reply))?;
    if follow && reply.position > Position::ZERO {
        Box::pin(follow::run(output, client, &request, &reply)).await?;
    }
    Ok(())
}

/// A reply for people.
fn describe(reply: &Reply) -> String {
    let status = match reply.status {
        Status::Committed => "committed",
        Status::Unchanged => "unchanged",
        Status::Replayed => "replayed",
    };
    let Reply { aggregate, id, version, position, .. } = reply;
    format!("{status} {aggregate}/{id} version {version} position {position}")
}
