//! `headwater dlq discard`: failed events are never handled, and what waits behind them is.

use anyhow::Result;
use clap::Args;
use infrastructure::deadletter::Action;

use super::ask::{self, AskArgs};
use crate::options::Global;

/// What `headwater dlq discard` takes.
#[derive(Debug, Args)]
#[command(after_help = ask::help!("discard"))]
pub(super) struct DiscardArgs {
    #[command(flatten)]
    ask: AskArgs,
}

pub(super) async fn run(global: &Global, args: DiscardArgs) -> Result<()> {
    ask::run(global, Action::Discard, &args.ask).await
}
