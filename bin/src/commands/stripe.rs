//! `headwater stripe`: what Stripe knows and this service may have missed.

mod reconcile;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::options::Global;

/// What `headwater stripe` takes.
#[derive(Debug, Args)]
pub struct StripeArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put into the inbox what Stripe has reported and no webhook has brought
    Reconcile(reconcile::ReconcileArgs),
}

/// Runs the subcommand.
///
/// # Errors
/// What went wrong.
pub async fn run(global: &Global, args: StripeArgs) -> Result<()> {
    match args.command {
        Command::Reconcile(args) => reconcile::run(global, args).await,
    }
}
