//! `headwater state`: what the history of one aggregate adds up to, now or at an earlier point.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use infrastructure::problem::Problem;
use kit::{AggregateId, Version};
use serde_json::json;

use crate::{
    arguments::{Global, JsonArgs},
    connection, contexts,
    log::History,
    output::{Output, outline},
    reader::Until,
};

/// What `headwater state` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater state person ada
  headwater state person ada --at-version 3
  headwater state person ada --at 2026-11-20T12:00:00Z --json")]
pub struct StateArgs {
    /// The aggregate's type, such as person
    aggregate: String,
    /// Which one
    id: AggregateId,
    /// As it was after this version
    #[arg(long, value_name = "VERSION", conflicts_with = "at")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    at_version: Option<u64>,
    /// As it was at this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<DateTime<Utc>>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Folds the log and prints the state.
///
/// # Errors
/// `not-found` outside of the history, or the position of a commit that cannot be read.
pub async fn run(global: &Global, args: StateArgs) -> Result<()> {
    let StateArgs { aggregate, id, .. } = &args;
    let reader = contexts::reader(aggregate)?;
    let until = match (args.at_version, args.at) {
        (Some(version), _) => Until::Version(Version(version)),
        (None, Some(time)) => Until::Time(time),
        (None, None) => Until::Now,
    };
    let client = connection::connect(global).await?;
    let mut history = History::open(&client, aggregate, id).await?;
    let mut fold = reader.fold(until);
    while let Some(commit) = history.next().await? {
        fold.take(&commit)?;
    }
    let folded = fold.end()?;
    let time = match (folded.time, until) {
        (Some(time), Until::Version(wanted)) if folded.version < wanted => {
            let (last, time) = (folded.version, rfc3339(time));
            let detail = format!("{aggregate}/{id} ends at version {last}, of {time}");
            return Err(Problem::not_found(detail).into());
        }
        (Some(time), _) => time,
        (None, _) => {
            let begun = folded.begun.map(rfc3339).unwrap_or_default();
            let detail = format!("{aggregate}/{id} begins with version 1, of {begun}");
            return Err(Problem::not_found(detail).into());
        }
    };
    let answer = json!({
        "aggregate": aggregate,
        "id": id,
        "version": folded.version,
        "time": time,
        "state": folded.state,
    });
    Output::with(global, args.json).write(&answer, || {
        let heading = format!("{aggregate}/{id} version {}, {}", folded.version, rfc3339(time));
        format!("{heading}\n{}", outline(&folded.state))
    })
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    text.parse().map_err(|_| "expected a time such as 2026-11-20T12:00:00Z")
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
