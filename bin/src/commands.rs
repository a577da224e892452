//! The subcommands, one file each: what it takes, and what it does.
//! Not here: options that all of them share.

pub mod archive;
pub mod backup;
pub mod catalogue;
pub mod charts;
pub mod dev;
pub mod dlq;
pub mod doctor;
pub mod events;
pub mod handlers;
pub mod history;
pub mod keys;
pub mod mail;
pub mod projection;
pub mod query;
pub mod replay;
pub mod restore;
pub mod send;
pub mod serve;
pub mod soak;
pub mod state;
pub mod stats;
pub mod store;
pub mod stripe;
pub mod tail;
pub mod timers;
pub mod upcast;

use anyhow::Result;
use prometheus::Registry;

use crate::{
    arguments::{Cli, Command},
    bench,
};

/// Runs the subcommand that the command line names. A service shows what is in `metrics`.
///
/// # Errors
/// What went wrong, for [`explain`](crate::exit::explain).
pub async fn run(cli: Cli, metrics: Option<&Registry>) -> Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Dev(args) => Box::pin(dev::run(global, args, metrics)).await,
        Command::Serve(args) => Box::pin(serve::run(global, args, metrics)).await,
        Command::Send(args) => send::run(global, args).await,
        Command::Query(args) => query::run(global, args).await,
        Command::Events(args) => events::run(global, args).await,
        Command::History(args) => history::run(global, args).await,
        Command::State(args) => state::run(global, args).await,
        Command::Tail(args) => tail::run(global, args).await,
        Command::Commands(args) => catalogue::run(global, args).await,
        Command::Charts(args) => charts::run(global, &args),
        Command::Doctor(args) => doctor::run(global, args).await,
        Command::Dlq(args) => Box::pin(dlq::run(global, args)).await,
        Command::Handlers(args) => handlers::run(global, args).await,
        Command::Projection(args) => projection::run(global, args).await,
        Command::Stats(args) => stats::run(global, args).await,
        Command::Store(args) => store::run(global, args).await,
        Command::Timers(args) => timers::run(global, args).await,
        Command::Replay(args) => replay::run(global, args).await,
        Command::Archive(args) => archive::run(global, args).await,
        Command::Backup(args) => backup::run(global, args).await,
        Command::Restore(args) => Box::pin(restore::run(global, args)).await,
        Command::Upcast(args) => upcast::run(global, args).await,
        Command::Keys(args) => keys::run(global, args).await,
        Command::Mail(args) => mail::run(global, args).await,
        Command::Stripe(args) => Box::pin(stripe::run(global, args)).await,
        Command::Soak(args) => Box::pin(soak::run(global, args)).await,
        Command::Bench(args) => bench::run(global, args).await,
    }
}
