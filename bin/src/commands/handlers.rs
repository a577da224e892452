//! `headwater handlers`: how far each handler has come, who does what for all, and having one go back.

mod history;
mod preview;
mod reset;

use anyhow::Result;
use clap::{Args, Subcommand};
use infrastructure::{
    composition::HandlerKind,
    handler::{self, BreakerState, HandlerReport, HandlerState, LogBehind},
    readmodel::{GenerationReport, generation_reports},
};

use crate::{
    commands::projection::progress,
    connection,
    exit::Quietly,
    options::{Global, JsonArgs},
    output::{Output, clean},
    repair::RepairArgs,
};

/// What `headwater handlers` takes.
#[derive(Debug, Args)]
pub struct HandlersArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is to be done with them.
#[derive(Debug, Subcommand)]
enum Action {
    /// After a restore from an older backup: move checkpoints past the log's end back to its end
    Rewind {
        #[command(flatten)]
        repair: RepairArgs,
    },
    /// Deliver events to a policy or an effect again, with whatever it does about them
    Reset(Box<reset::ResetArgs>),
    /// Show who owned a handler, and who had it go back
    History(history::HistoryArgs),
}

/// Prints every registered handler, one a line, or does what is asked about them.
///
/// # Errors
/// If the server does not answer; `not-found` and `invalid`, if a handler is named that there is not,
/// or that cannot go back.
pub async fn run(global: &Global, args: HandlersArgs) -> Result<()> {
    let output = Output::with(global, args.json);
    match args.action {
        None => list(global, output).await,
        Some(Action::Rewind { repair }) => {
            rewind(output, &connection::connect(global).await?, &repair).await
        }
        Some(Action::Reset(args)) => reset::run(global, &args).await,
        Some(Action::History(args)) => history::run(global, &args).await,
    }
}

async fn list(global: &Global, output: Output) -> Result<()> {
    let client = connection::connect(global).await?;
    let mut handlers = handler::report(&client).await?;
    handlers.extend(handler::duties(&client).await?);
    if !output.is_json() {
        output.line(format!(
            "{:<26} {:<10} {:<8} {:>9} {:>7} {:>7} {:>8} {:>7} {:>6} {:>7}  owner",
            "handler",
            "kind",
            "state",
            "position",
            "lag",
            "behind",
            "events/s",
            "retries",
            "parked",
            "epoch"
        ))?;
    }
    let generations = generation_reports(&client).await?;
    for handler in handlers {
        let of = |report: &&GenerationReport| report.projection == handler.name;
        let filling = generations.iter().find(of).and_then(|report| report.filling.as_ref());
        output.write(&handler, || {
            let filling = filling.map(|filling| format!("\n    {}", progress::line(filling)));
            line(&handler) + &filling.unwrap_or_default()
        })?;
    }
    Ok(())
}

async fn rewind(output: Output, client: &async_nats::Client, repair: &RepairArgs) -> Result<()> {
    let word = if repair.yes { "moved" } else { "would move" };
    // A dry run is on nobody's behalf.
    let by = if repair.yes { repair.by()? } else { String::new() };
    let why = &repair.why;
    let moved = match repair.yes {
        true => Box::pin(handler::rewind(client, (&by, why))).await?,
        false => handler::past_the_end(client).await?,
    };
    for LogBehind { handler, at, last } in &moved {
        let line =
            serde_json::json!({"handler": handler, "from": at, "to": last, "done": repair.yes});
        output.write(&line, || format!("{word} {handler} from {at} back to {last}"))?;
        if repair.yes {
            tracing::warn!(handler, from = %at, to = %last, by, why, "a checkpoint is rewound");
        }
    }
    if moved.is_empty() {
        return output.write(&serde_json::json!({"status": "unchanged"}), || {
            "no checkpoint is past the end of the log".to_owned()
        });
    }
    if repair.yes {
        return Ok(());
    }
    if !output.is_json() {
        output.line("Nothing has been done: stop every instance, and repeat it with --yes.")?;
    }
    Err(Quietly(2).into())
}

fn line(handler: &HandlerReport) -> String {
    let HandlerReport { name, kind, owner, state, position, lag, retries, parked, .. } = handler;
    let (state, reason) = match (owner, state) {
        (Some(_), _) if handler.stale => ("stale", None),
        (None, _) | (_, None) => ("nowhere", None),
        (_, Some(HandlerState::Waiting)) => ("waiting", None),
        (_, Some(HandlerState::Running)) => ("running", None),
        (_, Some(HandlerState::Stopped)) => ("stopped", None),
        (_, Some(HandlerState::Retrying { reason })) if is_away(handler) => {
            ("paused", Some(reason))
        }
        (_, Some(HandlerState::Retrying { reason })) => ("retrying", Some(reason)),
        (_, Some(HandlerState::Halted { reason })) => ("halted", Some(reason)),
    };
    let owner = clean(owner.as_deref().unwrap_or("-"));
    let epoch = handler.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
    let (position, rate) = match kind {
        HandlerKind::Duty => ("-".to_owned(), "-".to_owned()),
        _ => (position.to_string(), format!("{:.1}", handler.rate)),
    };
    let kind = kind.to_string();
    let behind = handler.lag_ms.map_or_else(|| "-".to_owned(), age);
    let mut line = format!(
        "{name:<26} {kind:<10} {state:<8} {position:>9} {lag:>7} {behind:>7} {rate:>8} \
         {retries:>7} {parked:>6} {epoch:>7}  {owner}"
    );
    for more in reason.map(|reason| clean(reason)).into_iter().chain(further(handler)) {
        line.push_str("\n    ");
        line.push_str(&more);
    }
    line
}

/// What most handlers have nothing of, on a line of its own.
fn further(handler: &HandlerReport) -> Option<String> {
    let HandlerReport { name, parked, waiting, refused, skipped, .. } = handler;
    let counts = [
        (*waiting, "commits wait among the dead letters"),
        (*refused, "orders refused"),
        (*skipped, "events passed over"),
    ];
    let told = counts.into_iter().filter(|(count, _)| *count > 0);
    let told = told.map(|(count, what)| format!("{count} {what}"));
    let breaker = handler.breaker.as_ref().filter(|it| it.state != BreakerState::Closed);
    let breaker = breaker.map(|it| {
        let (dependency, failures) = (clean(&it.dependency), it.failures);
        format!("{dependency} is away: {failures} failures in a row")
    });
    let parked = (*parked > 0).then(|| format!("see `headwater dlq list --handler {name}`"));
    let told: Vec<_> = told.chain(breaker).chain(parked).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// A time in the largest unit that says enough.
fn age(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms}ms"),
        seconds @ 1..600 => format!("{seconds}s"),
        seconds @ 600..36_000 => format!("{}min", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}

/// Whether what it depends on is not asked for the time being.
fn is_away(handler: &HandlerReport) -> bool {
    handler.breaker.as_ref().is_some_and(|breaker| breaker.state != BreakerState::Closed)
}
