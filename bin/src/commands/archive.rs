//! `headwater archive`: the log in files that need neither a broker nor this program to be read.
//! Not here: what else a backup needs.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::{
    backup::{self, Archived, Volume},
    replay::Bound,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    connection,
    copies::{Bar, advised, size, stoppable, told},
    exit::{Advised, Quietly},
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater archive` takes.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    command: ArchiveCommand,
}

#[derive(Debug, Subcommand)]
enum ArchiveCommand {
    /// Write the log into files, or add to them what has come since
    #[command(after_help = "\
The files are JSON lines in zstd: `zstdcat DIR/EVENTS-*.zst | jq` reads them. Each record carries a \
digest of itself and all before it. Keep the last one, which is printed, elsewhere: it proves later \
that nothing was changed.

Examples:
  headwater archive create /mnt/archive
  headwater archive create /mnt/archive --until 2026-11-01T00:00:00Z")]
    Create(CreateArgs),
    /// Read the files, and say what is wrong with them and where
    Verify(FolderArgs),
    /// Say what the files hold
    Show(FolderArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The folder of the archive, new or begun before
    folder: PathBuf,
    /// The last position, or the time up to which commits are taken [default: the end as it is now]
    #[arg(long, value_name = "POS|TIME")]
    until: Option<Bound>,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// The folder of the archive
    folder: PathBuf,
    #[command(flatten)]
    json: JsonArgs,
}

/// Runs the subcommand.
///
/// # Errors
/// Quietly with 1 if the files are damaged; otherwise what stands in the way.
pub async fn run(global: &Global, args: ArchiveArgs) -> Result<()> {
    match args.command {
        ArchiveCommand::Create(args) => create(global, args).await,
        ArchiveCommand::Verify(args) => verify(global, args).await,
        ArchiveCommand::Show(args) => show(global, &args),
    }
}

async fn create(global: &Global, args: CreateArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let client = connection::connect(global).await?;
    let (bar, token) = (Bar::new(output), CancellationToken::new());
    let seen = |progress: backup::Progress<'_>| bar.show(progress);
    let work = backup::archive(&client, &args.folder, args.until, (&seen, &token));
    let archived = stoppable(&token, work).await?;
    let archived = archived.map_err(|problem| advised(problem, AGAIN))?;
    drop(bar);
    if archived.stopped {
        let message = format!("interrupted after position {}", archived.to);
        return Err(Advised::new(message, AGAIN).into());
    }
    let Archived { from, to, records, chain, .. } = &archived;
    output.write(&archived, || {
        let new = to - from;
        format!("{records} commits up to {to}, {new} of them new\nchain {chain}")
    })
}

const AGAIN: &str = "What is whole stays. Run it again: it goes on from there.";

async fn verify(global: &Global, args: FolderArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let volume = Volume::open(&args.folder).map_err(|problem| advised(problem, ""))?;
    let bar = Bar::new(output);
    let (records, chain, of) = (volume.records(), volume.chain(), volume.records());
    let faults = tokio::task::spawn_blocking(move || {
        let mut at = 0;
        volume.verify(|more| {
            at += more;
            let stream = volume.stream();
            bar.show(backup::Progress { doing: "checking", stream, at, of });
        })
    });
    let faults = faults.await?;
    let answer = json!({ "records": records, "chain": chain, "faults": faults });
    output.write(&answer, || match faults.is_empty() {
        true => format!("{records} commits, all as they were written\nchain {chain}"),
        false => told(&faults),
    })?;
    if faults.is_empty() { Ok(()) } else { Err(Quietly(1).into()) }
}

fn show(global: &Global, args: &FolderArgs) -> Result<()> {
    let volume = Volume::open(&args.folder).map_err(|problem| advised(problem, ""))?;
    let segments = volume.segments();
    let sum =
        |size: fn(&backup::Segment) -> u64| segments.iter().map(size).fold(0, u64::saturating_add);
    let (bytes, plain) = (sum(|it| it.bytes), sum(|it| it.plain_bytes));
    let (records, chain) = (volume.records(), volume.chain());
    let answer = json!({
        "stream": volume.stream(), "records": records, "last": volume.last(), "chain": chain,
        "bytes": bytes, "plain_bytes": plain, "segments": segments,
    });
    Output::with(global, args.json).write(&answer, || {
        let mut text = format!("{} of {}: {records} records", volume.stream(), volume.last());
        if let (Some(first), Some(last)) = (segments.first(), segments.last()) {
            let (first, last) = (first.first_time, last.last_time);
            text.push_str(&format!("\nstored between {first} and {last}"));
        }
        let (bytes, plain, files) = (size(bytes), size(plain), segments.len());
        text.push_str(&format!("\n{bytes} in {files} files, {plain} unpacked\nchain {chain}"));
        text
    })
}
