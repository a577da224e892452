//! The lines of a batch: numbered, read as commands, each with its command id.
//! Not here: sending.

use anyhow::{Context as _, Result};
use futures::stream;
use infrastructure::{problem::Problem, request::CommandRequest};
use kit::{AggregateId, CommandId, Version, json};
use nats::limits::COMMAND_BYTES_MAX;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use uuid::{Builder, Uuid};

/// Longest line: a body of the largest size with room for its target.
const LINE_BYTES_MAX: u64 = COMMAND_BYTES_MAX as u64 + 4096;

/// The aggregate and the command that every line is a body for.
pub(super) type Target = (String, AggregateId, String);

/// One line of a batch without a target.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    aggregate: String,
    id: AggregateId,
    command: String,
    body: Option<Box<RawValue>>,
    command_id: Option<CommandId>,
    expected_version: Option<Version>,
}

/// The command of line `number`, for `target` if there is one.
pub(super) fn request(
    batch: Uuid,
    target: Option<&Target>,
    number: u64,
    line: &str,
) -> Result<CommandRequest, Problem> {
    let derived = || CommandId::from(line_id(batch, number, line));
    if let Some((aggregate, id, name)) = target {
        let body = line.as_bytes().to_vec();
        let mut request = CommandRequest::new(aggregate.clone(), id.clone(), name.clone(), body);
        request.command_id = Some(derived());
        return Ok(request);
    }
    let line: Line =
        json::read(line.as_bytes()).map_err(|error| Problem::invalid(error.to_string()))?;
    let body = line.body.map_or_else(|| "{}".to_owned(), |body| body.get().to_owned());
    let mut request = CommandRequest::new(line.aggregate, line.id, line.command, body);
    request.command_id = Some(line.command_id.unwrap_or_else(derived));
    request.expected_version = line.expected_version;
    Ok(request)
}

/// The command id of one line: a `UUIDv7` with the batch's time, because the time in an id is where
/// the service begins to search for an old command.
fn line_id(batch: Uuid, number: u64, line: &str) -> Uuid {
    let hash = Uuid::new_v5(&batch, format!("{number}:{line}").as_bytes());
    let (mut millis, mut random) = ([0; 8], [0; 10]);
    millis[2..].copy_from_slice(&batch.as_bytes()[..6]);
    random.copy_from_slice(&hash.as_bytes()[..10]);
    Builder::from_unix_timestamp_millis(u64::from_be_bytes(millis), &random).into_uuid()
}

/// The lines that are not blank, with their numbers from 1. A line too long to be a command ends
/// the batch instead of filling the memory.
pub(super) fn numbered(
    reader: Box<dyn AsyncBufRead + Send + Unpin>,
) -> impl stream::Stream<Item = Result<(u64, String)>> {
    stream::try_unfold((reader, 0), |(mut reader, mut number)| async move {
        loop {
            let mut line = String::new();
            let mut limited = (&mut reader).take(LINE_BYTES_MAX);
            let read = limited.read_line(&mut line).await;
            number += 1;
            let at = || format!("cannot read line {number}");
            if read.with_context(at)? == 0 {
                return Ok(None);
            }
            if !line.ends_with('\n') && line.len() as u64 == LINE_BYTES_MAX {
                anyhow::bail!("line {number} is longer than {LINE_BYTES_MAX} bytes");
            }
            line.truncate(line.trim_end().len());
            if !line.is_empty() {
                return Ok(Some(((number, line), (reader, number))));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;
    use crate::input::{self, Source};

    #[test]
    fn a_repeat_of_a_batch_makes_the_same_ids_and_another_batch_others() {
        let (batch, other) = (Uuid::now_v7(), Uuid::now_v7());
        let id = line_id(batch, 7, "{}");
        assert_eq!(id, line_id(batch, 7, "{}"));
        assert_ne!(id, line_id(batch, 8, "{}"));
        assert_ne!(id, line_id(batch, 7, "{ }"));
        assert_ne!(id, line_id(other, 7, "{}"));
        let (id, batch) = (CommandId::from(id), CommandId::from(batch));
        assert_eq!(id.made_at(), batch.made_at());
        assert!(id.made_at().is_some() && !id.is_derived());
    }

    #[tokio::test]
    async fn blank_lines_count_but_are_not_sent() {
        let source = Source::Text("{}\n\n  \n{\"a\":1}".to_owned());
        let lines: Vec<_> =
            numbered(input::lines(&source).await.unwrap()).try_collect().await.unwrap();
        assert_eq!(lines, [(1, "{}".to_owned()), (4, "{\"a\":1}".to_owned())]);
    }

    #[tokio::test]
    async fn a_line_without_end_does_not_fill_the_memory() {
        let source = Source::Text("x".repeat(2 * COMMAND_BYTES_MAX));
        let lines = numbered(input::lines(&source).await.unwrap()).try_collect::<Vec<_>>().await;
        assert!(lines.unwrap_err().to_string().starts_with("line 1 is longer"));
    }
}
