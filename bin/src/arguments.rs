//! The command line: the list of subcommands. Not here: what a subcommand takes or does, each is a
//! file in `commands`; what all of them take, which is in `options`.

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    bench, commands,
    options::{Format, Global},
};

const ABOUT: &str = "An event-sourced aggregate service on NATS JetStream.

`headwater dev` starts everything. In a second terminal, `headwater send` sends a command, \
`headwater query` asks a projection, `headwater tail` shows events as they happen.";

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  something else went wrong
  2  the command line is wrong, or a file that it names
  3  the domain refuses the command (422)
  4  conflict: read again, decide again (409)
  5  not found (404, and `not-found` of the domain)
  6  temporarily unavailable, or too late: the message says what to do (503, 504)
  7  invalid: correct the request (400, 413)";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, about = ABOUT, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options that every subcommand shares.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line. A plain `--json` counts for whatever is said, failures included.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn read() -> Result<Self, clap::Error> {
        let mut matches = Self::command().try_get_matches()?;
        let json = wants_json(&matches);
        let mut cli = Self::from_arg_matches_mut(&mut matches)?;
        if json {
            cli.global.output = Format::Json;
        }
        Ok(cli)
    }
}

/// Whether the flag `--json` stands at a subcommand; one that holds a body is no flag.
fn wants_json(matches: &ArgMatches) -> bool {
    let here = matches.try_get_one::<bool>("json").ok().flatten();
    here == Some(&true) || matches.subcommand().is_some_and(|(_, below)| wants_json(below))
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine: broker, streams, service
    Dev(commands::dev::DevArgs),
    /// Run the service on an existing NATS
    Serve(commands::serve::ServeArgs),
    /// Send one command, or many from a file
    Send(commands::send::SendArgs),
    /// Ask a projection
    Query(commands::query::QueryArgs),
    /// Show the history of one aggregate
    Events(commands::events::EventsArgs),
    /// Hand out the history of one aggregate so that it can be checked, and check it
    History(commands::history::HistoryArgs),
    /// Show what the history of one aggregate adds up to, now or at an earlier point
    State(commands::state::StateArgs),
    /// Show events as they happen
    Tail(commands::tail::TailArgs),
    /// List every command with its fields, as the running service says it
    Commands(commands::catalogue::CatalogueArgs),
    /// Draw every state machine (Mermaid)
    Charts(commands::charts::ChartsArgs),
    /// Check the server, the streams, durability and the handlers
    Doctor(commands::doctor::DoctorArgs),
    /// Show how much the log holds, how fast it grows, and how much room there is
    Stats(commands::stats::StatsArgs),
    /// Show what handlers could not process, and say what is to become of it
    Dlq(commands::dlq::DlqArgs),
    /// Show how far each policy and projection has come
    Handlers(commands::handlers::HandlersArgs),
    /// Rebuild a projection beside the rows that answer, or go back
    Projection(commands::projection::ProjectionArgs),
    /// Show which store has the read models, or give it up
    Store(commands::store::StoreArgs),
    /// Show the commands that wait for their time
    Timers(commands::timers::TimersArgs),
    /// Show what a handler would do about a stretch of the log, without doing it
    Replay(commands::replay::ReplayArgs),
    /// Write the log into files, and check them
    Archive(commands::archive::ArchiveArgs),
    /// Copy all that must come back, check it, and rehearse a restore
    Backup(commands::backup::BackupArgs),
    /// Put a backup back on an empty server, whole or up to a point
    Restore(commands::restore::RestoreArgs),
    /// Show what becomes of a payload written by an older version
    Upcast(commands::upcast::UpcastArgs),
    /// Make, list and take back API keys; wrap the keys of personal data anew
    Keys(commands::keys::KeysArgs),
    /// Show requested mails and what became of them
    Mail(commands::mail::MailArgs),
    /// Compare what Stripe has reported with what has arrived here
    Stripe(commands::stripe::StripeArgs),
    /// Put a throw-away service under faults, and check that it kept its promises
    Soak(commands::soak::SoakArgs),
    /// Measure commands against what the server itself can do
    Bench(bench::BenchArgs),
}

impl Command {
    /// Whether Prometheus may ask it for metrics.
    #[must_use]
    pub const fn is_scraped(&self) -> bool {
        match self {
            Self::Dev(_) => true,
            Self::Serve(args) => args.metrics.is_some(),
            _ => false,
        }
    }

    /// Whether its log is quiet unless something is wrong: the answer is what matters.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        !matches!(self, Self::Dev(_) | Self::Serve(_))
    }
}
