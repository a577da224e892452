//! `headwater projection verify`: proof from the log that no event was skipped or applied twice.
//! It reads the store and the log; what it folds is in a file that goes when it ends.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infrastructure::readmodel::{
    self, Gap, StoreLocation, Unfolded, Verdict, Verification, Verifying,
};
use serde_json::json;

use crate::{
    contexts,
    data::DataFolder,
    exit::{Advised, Quietly},
    master_keys,
    options::{Global, JsonArgs},
    output::{Output, clean},
    read_models::ReadModelsArgs,
    signals::Stop,
};

/// How often machines are told how far it is.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The projection
    name: String,
    /// Which generation of its rows [default: the one that answers]
    #[arg(long, value_name = "NUMBER")]
    generation: Option<i64>,
    #[command(flatten)]
    store: ReadModelsArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Verifies and says what it found.
///
/// # Errors
/// Quietly with 1 if something is wrong with the rows; otherwise if they could not be verified.
pub(super) async fn run(
    global: &Global,
    client: &async_nats::Client,
    args: VerifyArgs,
) -> Result<()> {
    let output = Output::with(global, args.json);
    let mut stop = Stop::listen()?;
    let store = match args.store.named()? {
        Some(store) => store,
        None => DataFolder::at(&global.data).store().into(),
    };
    if let StoreLocation::Sqlite(path) = &store
        && !path.exists()
    {
        let message = format!("there are no read models in {}", path.display());
        return Err(Advised::usage(message, "Name the service's store with --store.").into());
    }
    // Beside the data, because it may be as large; it holds personal data, and goes with its folder.
    let data = DataFolder::create(&global.data)?;
    let folder = tempfile::Builder::new().prefix("verify-").tempdir_in(data.path());
    let folder = folder.with_context(|| format!("cannot write to {}", data.path().display()))?;
    let asked = Verification {
        projection: args.name,
        generation: args.generation,
        store,
        scratch: folder.path().join("rows.sqlite"),
    };
    let (bar, last) = (bar(output), Mutex::new(Instant::now()));
    let told = |verifying: Verifying| show(output, &bar, &last, &asked.projection, verifying);
    let composition = master_keys::opening(contexts::composition(), global, client)?;
    let verdict = tokio::select! {
        biased;
        () = stop.asked() => return Err(Advised::new("interrupted", "Nothing is left behind.").into()),
        verdict = readmodel::verify(client, &composition, &asked, told) => verdict?,
    };
    bar.finish_and_clear();
    output.write(&verdict, || told_of(&verdict))?;
    if verdict.is_sound() { Ok(()) } else { Err(Quietly(1).into()) }
}

fn bar(output: Output) -> ProgressBar {
    let bar = ProgressBar::new(0);
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

fn show(
    output: Output,
    bar: &ProgressBar,
    last: &Mutex<Instant>,
    name: &str,
    verifying: Verifying,
) {
    bar.set_length(verifying.target.0);
    bar.set_position(verifying.position.0);
    let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if output.is_json() && last.elapsed() >= INTERVAL {
        *last = Instant::now();
        // Whoever has closed the output learns nothing more; the verdict says so.
        let _ = output.json(&json!({ "verifying": name, "progress": verifying }));
    }
}

fn told_of(verdict: &Verdict) -> String {
    let Verdict { verified, generation, position, events, rows, waiting, .. } = verdict;
    let mut lines = vec![format!(
        "{}: generation {generation} at {position}, {events} events, {rows} rows",
        clean(verified)
    )];
    if *waiting > 0 {
        lines.push(format!("  {waiting} keys wait behind dead letters, and are not in its rows"));
    }
    if verdict.counted_from.0 > 0 {
        lines.push(format!(
            "  not verifiable before position {}: a program folded that which did not count; rebuild \
             to verify all",
            verdict.counted_from
        ));
    }
    lines.extend(verdict.gaps.iter().map(gap));
    more(&mut lines, verdict.gaps.len(), verdict.gaps_in_all);
    lines.extend(verdict.unfolded.iter().map(|Unfolded { at, subject, reason }| {
        let (subject, reason) = (clean(subject), clean(reason));
        format!("  cannot be folded, and does not wait: {at} of {subject}: {reason}")
    }));
    more(&mut lines, verdict.unfolded.len(), verdict.unfolded_in_all);
    let key = |key: &String| format!("  not what the log gives: {}", clean(key));
    lines.extend(verdict.differing.iter().map(key));
    more(&mut lines, verdict.differing.len(), verdict.differing_in_all);
    lines.push(if verdict.is_sound() {
        "Every event was applied once, and the rows are what the log gives.".to_owned()
    } else {
        format!("Mend it with `headwater projection rebuild {} --accept`.", clean(verified))
    });
    lines.join("\n")
}

fn gap(gap: &Gap) -> String {
    let Gap { from, to, expected, found, first, last, subject } = gap;
    let what = match expected.cmp(found) {
        std::cmp::Ordering::Greater => format!("{} skipped", expected - found),
        std::cmp::Ordering::Less => format!("{} applied twice", found - expected),
        std::cmp::Ordering::Equal => "others applied than are there".to_owned(),
    };
    let of = subject.as_deref().map(|it| format!(" of {}", clean(it))).unwrap_or_default();
    let place = match (first, last) {
        (Some(first), Some(last)) if first == last => format!(": {first}{of}"),
        (Some(first), Some(last)) => format!(": {first} to {last}{of}"),
        _ => String::new(),
    };
    format!("  gap from {from} to {to}: {found} of {expected} events, {what}{place}")
}

fn more(lines: &mut Vec<String>, named: usize, all: u64) {
    let more = all.saturating_sub(named as u64);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
}
