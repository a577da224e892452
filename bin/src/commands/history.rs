//! `headwater history`: the history of one aggregate as a document that anybody can check.
//! Not here: what a document holds, and what makes it right; the infrastructure has that.

mod export;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::options::Global;

/// What `headwater history` takes.
#[derive(Debug, Args)]
#[command(after_help = "A document holds personal data, as the log does.

Examples:
  headwater history export design r1 --out r1.jsonl
  headwater history head design r1                                 # to be noted somewhere else
  headwater history verify r1.jsonl --live
  headwater history verify r1.jsonl --noted 9f86d081884c7d65...    # the chain as it was noted")]
pub struct HistoryArgs {
    #[command(subcommand)]
    action: Action,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write the stored bytes of every commit, with a chain of hashes over them
    Export(export::ExportArgs),
    /// Show what the history amounts to: its last version and position, and the chain up to there
    Head(export::HeadArgs),
    /// Check a document, by itself or beside the log
    Verify(verify::VerifyArgs),
}

/// Does it.
///
/// # Errors
/// What the action's own module says.
pub async fn run(global: &Global, args: HistoryArgs) -> Result<()> {
    match args.action {
        Action::Export(args) => export::run(global, args).await,
        Action::Head(args) => export::head(global, args).await,
        Action::Verify(args) => verify::run(global, args).await,
    }
}
