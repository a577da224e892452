//! `headwater timers`: the commands that wait for their time.

use anyhow::Result;
use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use futures::TryStreamExt as _;
use infrastructure::timers::{self, TimerReport, TimerState};
use kit::AggregateId;

use crate::{
    connection, contexts,
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// What `headwater timers` takes.
#[derive(Debug, Args)]
pub struct TimersArgs {
    #[command(subcommand)]
    command: TimersCommand,
}

#[derive(Debug, Subcommand)]
enum TimersCommand {
    /// List the timers that are not over: when, what, whose, and which policy set them
    #[command(after_help = "Examples:
  headwater timers list
  headwater timers list --aggregate person --id ada --json")]
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only timers that events of this aggregate type set, such as person
    #[arg(long)]
    aggregate: Option<String>,
    /// Only timers that events of this aggregate set
    #[arg(long)]
    id: Option<AggregateId>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints the timers, one a line, in the order they were set.
///
/// # Errors
/// `unknown-aggregate`, or if the server does not answer.
pub async fn run(global: &Global, args: TimersArgs) -> Result<()> {
    let TimersCommand::List(args) = args.command;
    let output = Output::with(global, args.json);
    let aggregate = args.aggregate.as_deref();
    if let Some(aggregate) = aggregate {
        contexts::reader(aggregate)?;
    }
    let client = connection::connect(global).await?;
    let mut timers = Box::pin(timers::list(&client, aggregate, args.id.as_ref()).await?);
    if !output.is_json() {
        output.line(format!(
            "{:<20} {:<10} {:<28} {:<44} set by",
            "due", "state", "command", "timer"
        ))?;
    }
    while let Some(timer) = timers.try_next().await? {
        output.write(&timer, || line(&timer))?;
    }
    Ok(())
}

fn line(report: &TimerReport) -> String {
    let state = match report.state {
        TimerState::Waiting => "waiting",
        TimerState::Due => "due",
        TimerState::Overdue => "overdue",
        TimerState::Unreadable => "unreadable",
    };
    let (Some(timer), Some(planned)) = (&report.timer, &report.planned) else {
        return format!("{:<20} {state:<10} {}", "-", clean(&report.subject));
    };
    let at = planned.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (command, handler) = (clean(&planned.command), clean(&planned.cause.handler));
    let (timer, at_event) = (clean(&timer.to_string()), planned.cause.position);
    format!("{at:<20} {state:<10} {command:<28} {timer:<44} {handler} at {at_event}")
}
