//! `headwater dlq export`: the failed events with the stored messages, as JSON lines.

use anyhow::Result;
use clap::Args;
use infrastructure::deadletter::{Body, DeadLetter, DeadLetters};
use nats::Subject;
use serde_json::{Value, json};

use super::{filter::Filters, letter, problem};
use crate::{
    connection,
    log::{From, Log},
    options::Global,
    output::Output,
};

/// What `headwater dlq export` takes.
#[derive(Debug, Args)]
#[command(after_help = "The stored messages hold personal data.

Examples:
  headwater dlq export > letters.jsonl
  headwater dlq export --handler welcome --class schema > letters.jsonl")]
pub(super) struct ExportArgs {
    #[command(flatten)]
    filters: Filters,
}

pub(super) async fn run(global: &Global, args: ExportArgs) -> Result<()> {
    let output = Output::new(global);
    let client = connection::connect(global).await?;
    let letters = DeadLetters::open(&client).await.map_err(problem)?;
    for letter in args.filters.find(&letters).await? {
        let mut letter = letters.opened(letter).await.map_err(problem)?;
        complete(&client, &mut letter).await?;
        output.json(&value(&letter, true))?;
    }
    Ok(())
}

/// The head with its attempts and the stored message; its body only if `payload`.
pub(super) fn value(letter: &DeadLetter, payload: bool) -> Value {
    let mut value = letter::value(letter);
    let original = &letter.parked.original;
    value["recent"] = json!(letter.parked.recent);
    value["original"] = json!({"subject": original.subject, "headers": original.headers});
    if payload {
        value["original"]["body"] = json!(original.body);
        value["original"]["raw_headers"] = json!(original.raw_headers);
    }
    value
}

/// Reads the body of the stored message from the log, if it was too large for a record.
pub(super) async fn complete(client: &async_nats::Client, letter: &mut DeadLetter) -> Result<()> {
    let is_command = letter.key.handler == letter::COMMANDS;
    if is_command || !matches!(letter.parked.original.body, Body::LeftOut(_)) {
        return Ok(());
    }
    let at = letter.parked.event.at.position;
    let subject = Subject::event(&letter.key.aggregate, &letter.key.id);
    let mut log = Log::open(client, subject, From::Position(at)).await?;
    if let Some(entry) = log.next_known().await?
        && entry.position == at
        && let Ok(text) = String::from_utf8(entry.body.to_vec())
    {
        letter.parked.original.body = Body::Text(text);
    }
    Ok(())
}
