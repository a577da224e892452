//! `headwater state`: what the history of one aggregate adds up to, now or at an earlier point.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use infrastructure::histories::{At, Histories};
use kit::{AggregateId, Version};
use serde_json::Value;

use crate::{
    connection, contexts, master_keys,
    options::{Global, JsonArgs},
    output::{Output, outline},
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
    contexts::reader(aggregate)?;
    let at = match (args.at_version, args.at) {
        (Some(version), _) => At::Version(Version(version)),
        (None, Some(time)) => At::Time(time),
        (None, None) => At::Now,
    };
    let client = connection::connect(global).await?;
    let keys = master_keys::keys(global, &client)?;
    let histories = Histories::open(client, contexts::composition().aggregates()).await?;
    let histories = match keys {
        Some(keys) => histories.opening(keys),
        None => histories,
    };
    let past = histories.state(aggregate, id, at).await?;
    let state: Value = serde_json::from_str(past.state.get())?;
    Output::with(global, args.json).write(&past, || {
        let time = past.time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        format!("{aggregate}/{id} version {}, {time}\n{}", past.version, outline(&state))
    })
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    text.parse().map_err(|_| "expected a time such as 2026-11-20T12:00:00Z")
}
