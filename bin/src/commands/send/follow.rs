//! The chain of events that a command sets off, as an indented list while it grows.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use infrastructure::{
    client::Client,
    follow::RawEvent,
    record::Record,
    request::{CommandRequest, Reply},
};
use kit::{CommandId, EventId, Recorded};
use serde::Serialize;

use crate::{contexts, exit::Advised, output::Output};

/// Orders that one policy gives for one event; none of ours gives more.
const ORDERS_MAX: usize = 16;

/// An event of the chain. The JSON form is part of the command line's contract.
#[derive(Debug, Serialize)]
struct Link<'a> {
    /// How many policies stand between it and the command.
    depth: usize,
    /// The policy that asked for it; none for the command's own events.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'static str>,
    #[serde(flatten)]
    record: Record<'a>,
}

/// Prints the chain that began with `request`, until it is quiet.
///
/// # Errors
/// If the log cannot be read, or a policy does not pass the chain in time.
pub(super) async fn run(
    output: Output,
    client: &Client,
    request: &CommandRequest,
    reply: &Reply,
) -> Result<()> {
    // A command without a correlation id begins a conversation with its own id.
    let command_id = request.command_id.as_ref().map(CommandId::as_str);
    let Some(correlation_id) = request.correlation_id.as_deref().or(command_id) else {
        return Ok(());
    };
    let mut depths: HashMap<String, usize> = HashMap::new();
    let mut chain = std::pin::pin!(client.follow(correlation_id, reply.position));
    let mut count = 0;
    while let Some(event) = chain.next().await {
        let event = event.context(Advised::new(
            "the chain was not followed to its end",
            "The command itself is in the log; `headwater handlers` shows who is behind.",
        ))?;
        let cause = event.metadata.causation_id.as_deref();
        let depth = cause.and_then(|cause| depths.get(cause)).map_or(0, |depth| depth + 1);
        depths.insert(event.id.to_string(), depth);
        let link = Link { depth, policy: policy(&event), record: Record::raw(&event) };
        output.write(&link, || link.line())?;
        count += 1;
    }
    if output.is_json() {
        return Ok(());
    }
    output.line(if count == 0 { "quiet: nothing happened" } else { "quiet" })
}

/// Who asked for the command: a policy derives its command ids from the event it answers.
fn policy(event: &Recorded<RawEvent>) -> Option<&'static str> {
    let cause: EventId = event.metadata.causation_id.as_deref()?.parse().ok()?;
    let command_id = &event.metadata.command_id;
    let asked = |name: &str| {
        (0..ORDERS_MAX).any(|ordinal| CommandId::derived(name, cause, ordinal) == *command_id)
    };
    let handlers = contexts::composition().handlers();
    handlers.into_iter().map(|handler| handler.name).find(|name| asked(name))
}

impl Link<'_> {
    fn line(&self) -> String {
        let Record { cursor, kind, id, version, .. } = &self.record;
        let kind = format!("{}{kind}", "  ".repeat(self.depth));
        let line = format!("{cursor:>8}  {kind:<46} {id} v{version}");
        match self.policy {
            Some(policy) => format!("{line}  by {policy}"),
            None => line,
        }
    }
}
