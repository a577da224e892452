//! `headwater backup`: everything on the broker that must come back, in one folder.
//! Not here: putting it back on a server that is to serve; `headwater restore` does that.

mod drill;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::backup::{self, Backup};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    connection,
    copies::{Bar, advised, stoppable, told},
    exit::Quietly,
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater backup` takes.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Copy the log and all that belongs to it, while the service serves
    #[command(after_help = "\
Keys of personal data are in it, wrapped as they are. Not in it: read models, which are folded again, and \
what is in files: the secret, the master keys, API keys.

Examples:
  headwater backup create /mnt/backup/2026-11-21
  headwater backup create /mnt/backup/2026-11-21 --nats nats://nats.example.org --creds service.creds")]
    Create(FolderArgs),
    /// Read the files, and say what is wrong with them and where
    Verify(FolderArgs),
    /// Restore into a throw-away broker, fold every projection there, and compare
    #[command(after_help = "\
The service and its broker are not asked and not touched. What it needs, about as much room as the log, \
is in the data folder and goes with it.

Examples:
  headwater backup drill /mnt/backup/2026-11-21 --json")]
    Drill(FolderArgs),
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// The folder of the backup
    folder: PathBuf,
    #[command(flatten)]
    json: JsonArgs,
}

/// Runs the subcommand.
///
/// # Errors
/// Quietly with 1 if the files are damaged or the drill failed; otherwise what stands in the way.
pub async fn run(global: &Global, args: BackupArgs) -> Result<()> {
    match args.command {
        BackupCommand::Create(args) => create(global, args).await,
        BackupCommand::Verify(args) => verify(global, args).await,
        BackupCommand::Drill(args) => {
            let output = Output::with(global, args.json);
            Box::pin(drill::run(global, output, &args.folder)).await
        }
    }
}

async fn create(global: &Global, args: FolderArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let (bar, token) = (Bar::new(output), CancellationToken::new());
    let seen = |progress: backup::Progress<'_>| bar.show(progress);
    let work = Box::pin(backup::backup(&client, &args.folder, (&seen, &token)));
    let made = stoppable(&token, work).await?;
    let made = made.map_err(|problem| advised(problem, AGAIN))?;
    drop(bar);
    let answer = json!({ "backup": made.id(), "begun": made.begun(), "contents": made.contents() });
    output.write(&answer, || format!("backup {}\n{}", made.id(), lines(&made)))
}

const AGAIN: &str = "It is no backup yet. Run it again: it goes on with what is there.";

async fn verify(global: &Global, args: FolderArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let backup = Backup::open(&args.folder).map_err(|problem| advised(problem, ""))?;
    let bar = Bar::new(output);
    let seen = |progress: backup::Progress<'_>| bar.show(progress);
    let faults = backup.verify(&seen).await.map_err(|problem| advised(problem, ""))?;
    drop(bar);
    let answer = json!({ "backup": backup.id(), "contents": backup.contents(), "faults": faults });
    output.write(&answer, || match faults.is_empty() {
        true => format!("backup {}, all as it was written\n{}", backup.id(), lines(&backup)),
        false => told(&faults),
    })?;
    if faults.is_empty() { Ok(()) } else { Err(Quietly(1).into()) }
}

fn lines(backup: &Backup) -> String {
    let line =
        |it: &backup::Contents| format!("{:<16} {:>10}  {}", it.stream, it.records, it.chain);
    backup.contents().iter().map(line).collect::<Vec<_>>().join("\n")
}
