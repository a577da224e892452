//! `headwater tail`: events as they happen.

use anyhow::Result;
use clap::Args;
use infrastructure::{envelope, problem::Problem, record::Record};
use nats::Subject;

use crate::{
    connection, contexts,
    log::{From, Log},
    options::{Global, JsonArgs},
    output::Output,
    record::line,
};

/// What `headwater tail` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater tail
  headwater tail --aggregate person --from start
  headwater tail --from 1200 --limit 50 --payload --json")]
pub struct TailArgs {
    /// Only events of this aggregate type
    #[arg(long, value_name = "TYPE")]
    aggregate: Option<String>,
    /// Where to begin: start, end or a position
    #[arg(long, default_value = "end")]
    from: From,
    /// Stop after this many events
    #[arg(long)]
    limit: Option<u64>,
    /// Show what is in the events too: it holds personal data
    #[arg(long)]
    payload: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints events until it is interrupted or the limit is reached.
///
/// # Errors
/// If there is no such aggregate type, or the log cannot be read.
pub async fn run(global: &Global, args: TailArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    if let Some(wanted) = &args.aggregate {
        contexts::reader(wanted)?;
    }
    let filter =
        args.aggregate.as_deref().map_or_else(|| Subject::EVENTS.into(), Subject::events_of);
    let client = connection::connect(global).await?;
    let mut log = Log::open(&client, filter, args.from).await?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(entry) = log.next().await? else { break };
        match envelope::decode(&entry.body) {
            Ok(elements) => {
                for (index, element) in elements.iter().enumerate().take(usize::try_from(left)?) {
                    let record = Record::new(element, entry.position, index, args.payload);
                    output.write(&record, || line(&record))?;
                    left -= 1;
                }
            }
            // One bad commit must not hide the ones after it.
            Err(error) => {
                let detail = format!("position {}: {error}", entry.position);
                output
                    .write(&Problem::corrupt(detail.clone()), || format!("unreadable: {detail}"))?;
                left -= 1;
            }
        }
    }
    Ok(())
}
