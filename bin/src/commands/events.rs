//! `headwater events`: the history of one aggregate.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::Args;
use infrastructure::envelope;
use kit::{AggregateId, Version};

use crate::{
    arguments::{Global, JsonArgs},
    connection, contexts, log,
    output::Output,
    record::Record,
};

/// What `headwater events` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater events person ada
  headwater events person ada --from-version 10 --json")]
pub struct EventsArgs {
    /// The aggregate's type, such as person
    aggregate: String,
    /// Which one
    id: AggregateId,
    /// Leave out what came before this version
    #[arg(long, value_name = "VERSION", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    from_version: u64,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints the events with their payloads, one a line.
///
/// # Errors
/// `not-found`, or the position of a commit that cannot be read. That nothing is new is none: whoever
/// polls asks for what comes after the last version.
pub async fn run(global: &Global, args: EventsArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    contexts::reader(&args.aggregate)?;
    let client = connection::connect(global).await?;
    let mut last = Version::ZERO;
    for commit in log::history(&client, &args.aggregate, &args.id).await? {
        let elements = envelope::decode(&commit.body).with_context(|| {
            format!("the commit at position {} cannot be read", commit.position)
        })?;
        for (index, element) in elements.iter().enumerate() {
            last = element.version;
            if element.version >= Version(args.from_version) {
                let record = Record::new(element, commit.position, index, true);
                output.write(&record, || record.line())?;
            }
        }
    }
    if last < Version(args.from_version) && !output.is_json() {
        // Nothing is lost if standard error is closed.
        let _ = writeln!(
            io::stderr(),
            "nothing: {}/{} ends at version {last}",
            args.aggregate,
            args.id
        );
    }
    Ok(())
}
