//! `headwater replay`: what a handler would make of a stretch of the log, without doing it.
//! Not here: delivering events to a handler again; `headwater handlers reset` does that.

mod fold;
mod journal;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infrastructure::{
    composition::{Composition, HandlerKind},
    problem::Problem,
    replay::{Bound, Origin, Passed, Replay, Replayed, Scope, Selection},
};
use kit::{AggregateId, Position};
use serde_json::json;

use self::journal::{Journal, Progress};
use crate::{
    connection, contexts,
    exit::Advised,
    master_keys,
    options::{Global, JsonArgs},
    output::Output,
    signals::Stop,
};

/// What `headwater replay` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent and no live checkpoint moves, whatever the handler is: a policy's commands and an \
effect's runs are printed, and a projection's rows, folded into a file that goes when they are.

Examples:
  headwater replay --handler welcome
  headwater replay --handler onboarding-driver --aggregate person --id ada
  headwater replay --handler people --id ada --to 5000
  headwater replay --handler welcome --from 2026-11-01T00:00:00Z --to 5000 --dry-run
  headwater replay --handler people --archive /mnt/archive   # without a broker
  headwater replay --resume ./.headwater/replays/welcome-20261121T120000.json")]
pub struct ReplayArgs {
    /// The policy, effect or projection
    #[arg(long, value_name = "NAME", required_unless_present = "resume")]
    handler: Option<String>,
    /// The first position, or the time from which commits are read [default: the beginning]
    #[arg(long, value_name = "POS|TIME")]
    from: Option<Bound>,
    /// The last position, or the time up to which commits are read [default: the end as it is now]
    #[arg(long, value_name = "POS|TIME")]
    to: Option<Bound>,
    /// Only events of this aggregate type
    #[arg(long, value_name = "TYPE")]
    aggregate: Option<String>,
    /// Only events of aggregates with this id
    #[arg(long)]
    id: Option<AggregateId>,
    /// Only events of this type, such as person.tagged
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Read the events from this archive or backup, and ask no broker
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// Say what would be read, and read nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the progress is kept, to be resumed [default: a file in replays/ of the data folder]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Go on with an interrupted replay, up to its own end
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["handler", "from", "to", "aggregate", "id", "kind", "archive", "journal", "dry_run"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Reads the stretch and prints what the handler would do.
///
/// # Errors
/// If there is no such handler, aggregate or event type, or the log does not answer; when it is
/// interrupted, with the way to resume it.
pub async fn run(global: &Global, args: ReplayArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    let composition = contexts::for_looking();
    let resumed = args.resume.as_deref().map(Journal::load).transpose()?;
    let archive = match &resumed {
        Some(journal) => journal.progress.archive.clone(),
        // A replay may be resumed from elsewhere.
        None => args.archive.as_deref().map(absolute).transpose()?,
    };
    let (origin, composition) = match &archive {
        // Keys are not among the files: what is sealed there stays so.
        Some(folder) => (Origin::files(folder).await?, composition),
        None => {
            let client = connection::connect(global).await?;
            (Origin::from(&client), master_keys::opening(composition, global, &client)?)
        }
    };
    let mut journal = match resumed {
        Some(journal) => journal,
        None => {
            let scope = fix(&origin, &args).await?;
            if args.dry_run {
                return output.write(&scope, || text::scope(&scope));
            }
            Journal::begin(scope, archive, args.journal.as_deref(), &global.data)?
        }
    };
    let Progress { scope, position, .. } = journal.progress.clone();
    if is_projection(&composition, &scope.handler) {
        return Box::pin(fold::run(output, origin, &composition, journal)).await;
    }
    let mut replay = Replay::start(origin, &composition, scope.clone(), position).await?;
    let bar = bar(output, &scope, position);
    let mut stop = Stop::listen()?;
    loop {
        let passed = tokio::select! {
            biased;
            () = stop.asked() => return Err(interrupted(&mut journal)?),
            passed = replay.next() => passed,
        };
        let Some(passed) = passed else { break };
        bar.suspend(|| show(output, &passed))?;
        journal.pass(&passed)?;
        bar.set_position(passed.position.0.saturating_sub(scope.from.0) + 1);
    }
    bar.finish_and_clear();
    let Progress { events, acted, .. } = journal.progress.clone();
    journal.finish()?;
    let (from, to) = (scope.from, scope.to);
    output.write(
        &json!({ "replayed": scope.handler, "from": from, "to": to, "events": events, "acted": acted }),
        || {
            let handler = &scope.handler;
            format!("{handler}: {events} events from {from} to {to}, something to do at {acted}")
        },
    )
}

fn is_projection(composition: &Composition, handler: &str) -> bool {
    let mut handlers = composition.handlers().into_iter();
    handlers.any(|info| info.name == handler && info.kind == HandlerKind::Projection)
}

/// One finding, for people.
pub(super) fn line(replayed: &Replayed) -> String {
    text::replayed(replayed)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let found = path.canonicalize();
    found.map_err(|_| Problem::not_found(format!("{} is not there", path.display())).into())
}

async fn fix(origin: &Origin, args: &ReplayArgs) -> Result<Scope> {
    let handler = args.handler.as_deref().unwrap_or_default();
    if let Some(kind) = &args.kind {
        known(kind)?;
    }
    let selection = Selection {
        from: args.from,
        to: args.to,
        aggregate: args.aggregate.clone(),
        id: args.id.clone(),
        kind: args.kind.clone(),
    };
    Ok(Scope::fix(origin.clone(), &contexts::for_looking(), handler, selection).await?)
}

/// A misspelt type would find nothing, which looks like a handler with nothing to do.
fn known(kind: &str) -> Result<(), Problem> {
    let (aggregate, name) = kind.split_once('.').unwrap_or((kind, ""));
    let reader = contexts::reader(aggregate)?;
    if reader.kinds.iter().any(|known| known.name == name) {
        return Ok(());
    }
    let names: Vec<_> = reader.kinds.iter().map(|kind| kind.name).collect();
    let (name, names) = (kit::excerpt(name), names.join(", "));
    Err(Problem::not_found(format!("{aggregate} has no event {name:?}; it has: {names}")))
}

fn show(output: Output, passed: &Passed) -> Result<()> {
    for replayed in &passed.replayed {
        output.write(replayed, || text::replayed(replayed))?;
    }
    Ok(())
}

fn bar(output: Output, scope: &Scope, done: Position) -> ProgressBar {
    let bar = ProgressBar::new(scope.to.0 + 1 - scope.from.0.min(scope.to.0));
    bar.set_position(done.0.saturating_sub(scope.from.0));
    bar.set_draw_target(if output.is_json() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    });
    let template = "{bar:30} {pos}/{len} positions  {per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn interrupted(journal: &mut Journal) -> Result<anyhow::Error> {
    let path = journal.keep()?.display().to_string();
    let at = journal.progress.position;
    let advice = format!("Go on with `headwater replay --resume {path}`.");
    Ok(Advised::new(format!("interrupted after position {at}"), advice).into())
}
