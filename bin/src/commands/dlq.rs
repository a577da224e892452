//! `headwater dlq`: what handlers could not process, and what is to become of it.
//!
//! A tool only asks; the handler's owner acts. One file for each action, and beside them what they
//! share: how keys are chosen (`filter`), kept until they are acted upon (`selection`), asked about
//! (`ask`) and waited for (`wait`).

mod ask;
mod discard;
mod edit;
mod export;
mod filter;
mod letter;
mod list;
mod retry;
mod selection;
mod show;
mod wait;

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::{
    deadletter::{DeadLetters, DeadLettersError},
    problem::Problem,
};

use crate::{connection, options::Global};

/// What `headwater dlq` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  headwater dlq list --group
  headwater dlq show onboarding-driver person ada
  headwater dlq retry onboarding-driver person ada --why 'fixed in 1.4' --yes --wait
  headwater dlq discard --handler welcome --class schema --why 'a test'       # shows what it would do
  headwater dlq discard --selection 019e... --why 'a test' --yes              # exactly that")]
pub struct DlqArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the keys that stand still, one a line or in groups
    List(list::ListArgs),
    /// Show one key: what failed, what waits behind it, and everything that was done about it
    Show(show::ShowArgs),
    /// Ask for the failed events to be handled again as they are
    Retry(retry::RetryArgs),
    /// Ask for one failed event to be handled with other data; the stored event stays as it is
    Edit(edit::EditArgs),
    /// Ask for the failed events never to be handled, and for what waits behind them
    Discard(discard::DiscardArgs),
    /// Write the failed events with the stored messages as JSON lines
    Export(export::ExportArgs),
}

/// Lists, shows, or asks for something.
///
/// # Errors
/// `not-found`, if a key does not stand still; if the server does not answer.
pub async fn run(global: &Global, args: DlqArgs) -> Result<()> {
    match args.action {
        Action::List(args) => list::run(global, args).await,
        Action::Show(args) => show::run(global, args).await,
        Action::Retry(args) => retry::run(global, args).await,
        Action::Edit(args) => edit::run(global, args).await,
        Action::Discard(args) => discard::run(global, args).await,
        Action::Export(args) => export::run(global, args).await,
    }
}

async fn open(global: &Global) -> Result<DeadLetters> {
    let client = connection::connect(global).await?;
    Ok(DeadLetters::open(&client).await.map_err(problem)?)
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn problem(error: DeadLettersError) -> Problem {
    match error {
        DeadLettersError::Changed => Problem::conflict(error.to_string()),
        DeadLettersError::Unwritable(_) => Problem::invalid(error.to_string()),
        DeadLettersError::Away(_) => Problem::unavailable(error.to_string()),
    }
}
