//! Many commands, bounded in flight. Each line has a command id that a repeat of the same batch
//! makes again, so that an interrupted batch is finished by repeating it.

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};
use indicatif::ProgressBar;
use infrastructure::{
    client::Client,
    problem::Problem,
    request::{CommandRequest, Status},
};
use kit::{AggregateId, CommandId, Version};
use nats::limits::COMMAND_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use uuid::{Builder, Uuid};

use super::{Common, progress};
use crate::{
    exit::{Quietly, code_of},
    input::{self, Source},
    output::{Output, clean},
};

/// Longest line: a body of the largest size with room for its target.
const LINE_BYTES_MAX: u64 = COMMAND_BYTES_MAX as u64 + 4096;

/// How to send many commands.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: Option<Uuid>,
    pub(super) target: Option<(String, AggregateId, String)>,
    pub(super) common: Common,
    pub(super) durable: bool,
    pub(super) in_flight: usize,
}

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

/// What became of a batch.
#[derive(Debug, Default, Serialize)]
struct Summary {
    lines: u64,
    committed: u64,
    unchanged: u64,
    replayed: u64,
    queued: u64,
    failed: u64,
    #[serde(skip)]
    first_failure: Option<(u64, u8)>,
}

impl Summary {
    fn words(&self) -> String {
        let Self { lines, committed, unchanged, replayed, queued, failed, .. } = self;
        let counts = [
            (committed, "committed"),
            (unchanged, "unchanged"),
            (replayed, "replayed"),
            (queued, "queued"),
            (failed, "failed"),
        ];
        let counts = counts.iter().filter(|(count, _)| **count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("{lines} lines: {}", counts.join(", "))
    }
}

impl Batch {
    /// Sends every line of `source`.
    ///
    /// # Errors
    /// If the source cannot be read, and quietly with the code of the first line that failed.
    pub(super) async fn run(self, output: Output, client: Client, source: &Source) -> Result<()> {
        let id = self.id.unwrap_or_else(Uuid::now_v7);
        if id.get_version_num() != 7 {
            anyhow::bail!("--batch takes the id that an earlier run of this batch printed");
        }
        let bar = progress::bar(output, source);
        let announcement = json!({"batch": id});
        output.write(&announcement, || format!("batch {id} (to resume it: --batch {id})"))?;
        let lines = numbered(input::lines(source).await?);
        let sent = lines.map(|read| {
            let (batch, client) = (&self, &client);
            async move {
                let (number, line) = read?;
                let length = line.len();
                anyhow::Ok((number, length, batch.send(client, id, number, &line).await))
            }
        });
        let mut sent = std::pin::pin!(sent.buffer_unordered(self.in_flight));
        let mut summary = Summary::default();
        while let Some(result) = sent.next().await {
            let (number, length, outcome) = result?;
            summary.lines += 1;
            note(output, &bar, &mut summary, number, outcome)?;
            bar.inc(length as u64 + 1);
            bar.set_message(format!("{} lines, {} failed", summary.lines, summary.failed));
        }
        bar.finish_and_clear();
        output.write(&summary, || summary.words())?;
        summary.first_failure.map_or(Ok(()), |(_, code)| Err(Quietly(code).into()))
    }

    async fn send(
        &self,
        client: &Client,
        batch: Uuid,
        number: u64,
        line: &str,
    ) -> Result<Option<Status>, Problem> {
        let request = self.request(batch, number, line)?;
        if self.durable {
            return client.enqueue(&request).await.map(|_| None);
        }
        client.send(&request).await.map(|reply| Some(reply.status))
    }

    fn request(&self, batch: Uuid, number: u64, line: &str) -> Result<CommandRequest, Problem> {
        let derived = || CommandId::from(line_id(batch, number, line));
        let mut request = if let Some((aggregate, id, name)) = &self.target {
            let body = line.as_bytes().to_vec();
            let mut request =
                CommandRequest::new(aggregate.clone(), id.clone(), name.clone(), body);
            request.command_id = Some(derived());
            request
        } else {
            let line: Line =
                serde_json::from_str(line).map_err(|error| Problem::invalid(error.to_string()))?;
            let body = line.body.map_or_else(|| "{}".to_owned(), |body| body.get().to_owned());
            let mut request = CommandRequest::new(line.aggregate, line.id, line.command, body);
            request.command_id = Some(line.command_id.unwrap_or_else(derived));
            request.expected_version = line.expected_version;
            request
        };
        self.common.apply(&mut request);
        Ok(request)
    }
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
fn numbered(
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

fn note(
    output: Output,
    bar: &ProgressBar,
    summary: &mut Summary,
    number: u64,
    outcome: Result<Option<Status>, Problem>,
) -> Result<()> {
    match outcome {
        Ok(Some(Status::Committed)) => summary.committed += 1,
        Ok(Some(Status::Unchanged)) => summary.unchanged += 1,
        Ok(Some(Status::Replayed)) => summary.replayed += 1,
        Ok(None) => summary.queued += 1,
        Err(problem) => {
            summary.failed += 1;
            // Answers come in any order; the exit code is that of the first line that failed.
            let failure = (number, code_of(problem.status));
            let first = summary.first_failure.map_or(failure, |first| first.min(failure));
            summary.first_failure = Some(first);
            let failure = json!({"line": number, "problem": problem});
            let words = || format!("line {number}: {}: {}", problem.code, clean(&problem.detail));
            // The bar would otherwise be drawn through the line.
            bar.suspend(|| output.write(&failure, words))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

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
