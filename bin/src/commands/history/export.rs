//! `headwater history export` and `headwater history head`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use infrastructure::{
    histories::Histories,
    problem::Problem,
    proof::{Export, Head},
};
use kit::AggregateId;
use tempfile::NamedTempFile;

use crate::{
    connection, contexts,
    exit::Advised,
    options::{Global, JsonArgs},
    output::Output,
};

/// What `headwater history export` takes.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The aggregate's type, such as design
    aggregate: String,
    /// Which one
    id: AggregateId,
    /// Write to this file, once all of it is there [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show the events beside the bytes, for people
    #[arg(long)]
    events: bool,
}

/// What `headwater history head` takes.
#[derive(Debug, Args)]
pub(super) struct HeadArgs {
    /// The aggregate's type, such as design
    aggregate: String,
    /// Which one
    id: AggregateId,
    #[command(flatten)]
    json: JsonArgs,
}

/// Writes the document.
///
/// # Errors
/// `not-found` if there is no history; if the log cannot be read to its end, or nothing be written.
pub(super) async fn run(global: &Global, args: ExportArgs) -> Result<()> {
    let export = open(global, &args.aggregate, &args.id, args.events).await?;
    let Some(path) = &args.out else {
        write(export, &mut io::stdout().lock()).await?;
        return Ok(());
    };
    // A link goes on pointing where it does.
    let path = &path.canonicalize().unwrap_or_else(|_| path.clone());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| unwritable(path))?;
    let head = write(export, &mut file).await;
    let head = head.map_err(|error| match error.is::<io::Error>() {
        true => error.context(unwritable(path)),
        false => error,
    })?;
    file.as_file().sync_all().with_context(|| unwritable(path))?;
    file.persist(path).with_context(|| unwritable(path))?;
    Output::new(global).write(&head, || told(&head))
}

/// Prints the head alone.
///
/// # Errors
/// As [`run`].
pub(super) async fn head(global: &Global, args: HeadArgs) -> Result<()> {
    let export = open(global, &args.aggregate, &args.id, false).await?;
    let head = write(export, &mut io::sink()).await?;
    Output::with(global, args.json).write(&head, || told(&head))
}

async fn open(global: &Global, aggregate: &str, id: &AggregateId, events: bool) -> Result<Export> {
    let client = connection::connect(global).await?;
    let histories = Histories::open(client, contexts::composition().aggregates()).await?;
    Ok(Export::open(&histories, aggregate, id, events).await?)
}

async fn write(mut export: Export, out: &mut impl Write) -> Result<Head> {
    while let Some(line) = export.line().await? {
        // Without the name that a file has before it is whole.
        out.write_all(line.as_bytes()).map_err(|error| unnamed(&error))?;
    }
    out.flush().map_err(|error| unnamed(&error))?;
    let whole = export.head().cloned();
    Ok(whole.ok_or_else(|| Problem::internal("a document without an end"))?)
}

pub(super) fn told(head: &Head) -> String {
    let Head { aggregate, id, commits, version, position, chain, .. } = head;
    format!(
        "{aggregate}/{id} version {version}, position {position}, {commits} commits\nchain {chain}"
    )
}

fn unnamed(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn unwritable(path: &Path) -> Advised {
    Advised::usage(format!("{} cannot be written", path.display()), "Name another one.")
}
