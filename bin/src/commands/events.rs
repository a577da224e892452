//! `headwater events`: the history of one aggregate.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::Args;
use infrastructure::{
    deadletter::Cursor,
    envelope,
    handler::{EventStatus, Processing, Processings},
    record::Record,
};
use kit::{AggregateId, Version};
use serde::Serialize;

use crate::{
    connection, contexts,
    log::History,
    options::{Global, JsonArgs},
    output::Output,
    reader,
    record::line,
};

/// What `headwater events` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater events person ada
  headwater events person ada --status
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
    /// Say of each event what every handler has made of it
    #[arg(long)]
    status: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints the events with their payloads, one a line.
///
/// # Errors
/// `not-found`, or `corrupt` with the position of a commit that cannot be read. That nothing is new is none: whoever
/// polls asks for what comes after the last version.
pub async fn run(global: &Global, args: EventsArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    contexts::reader(&args.aggregate)?;
    let client = connection::connect(global).await?;
    let mut last = Version::ZERO;
    let handlers = match args.status {
        true => {
            let composition = contexts::for_looking();
            Some(Processings::read(&client, &composition, &args.aggregate).await?)
        }
        false => None,
    };
    let mut history = History::open(&client, &args.aggregate, &args.id).await?;
    while let Some(commit) = history.next().await? {
        let elements = envelope::decode(&commit.body)
            .map_err(|error| reader::corrupt(commit.position, &error))?;
        for (index, element) in elements.iter().enumerate() {
            last = element.version;
            if element.version >= Version(args.from_version) {
                let record = Record::new(element, commit.position, index, true);
                let at = Cursor { position: commit.position, index };
                let handlers = handlers.as_ref().map(|it| it.of(&args.id, at, element.id));
                let shown = Shown { record, handlers };
                output.write(&shown, || shown.text())?;
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

/// An event and, if it was asked for, what every handler has made of it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: Record<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handlers: Option<Vec<EventStatus>>,
}

impl Shown<'_> {
    fn text(&self) -> String {
        let mut text = line(&self.record);
        for EventStatus { handler, status, note } in self.handlers.iter().flatten() {
            text.push_str(&format!("\n          {handler:<28} {}", word(*status)));
            if let Some(note) = note {
                text.push_str(&format!(", {note}"));
            }
        }
        text
    }
}

const fn word(status: Processing) -> &'static str {
    match status {
        Processing::Received => "received",
        Processing::Processing => "processing",
        Processing::Processed => "processed",
        Processing::Failed => "failed",
        Processing::Dead => "dead",
    }
}
