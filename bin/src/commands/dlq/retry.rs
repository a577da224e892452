//! `headwater dlq retry`: failed events are handled again as they are.

use anyhow::Result;
use clap::Args;
use infrastructure::deadletter::Action;

use super::ask::{self, AskArgs};
use crate::options::Global;

/// What `headwater dlq retry` takes.
#[derive(Debug, Args)]
#[command(after_help = ask::help!("retry"))]
pub(super) struct RetryArgs {
    #[command(flatten)]
    ask: AskArgs,
}

pub(super) async fn run(global: &Global, args: RetryArgs) -> Result<()> {
    ask::run(global, Action::Retry, &args.ask).await
}
