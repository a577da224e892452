//! `headwater backup drill`: a backup is worth what a restore of it is, so one is done. On a broker of its
//! own, which goes with its folder.

mod scratch;

use std::path::Path;

use anyhow::Result;
use infrastructure::{
    backup::{Backup, Progress, Restore, Restored},
    broker::{Broker, BrokerOptions},
    composition::{Composition, HandlerKind},
    connection::{ConnectOptions, connect},
    handler,
    readmodel::RowsPlace,
    replay::{Folding, Origin, Scope, Selection},
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::scratch::Scratch;
use crate::{
    broker, contexts,
    copies::{Bar, advised, stoppable},
    data::DataFolder,
    exit::{Advised, Quietly},
    options::Global,
    output::Output,
};

/// What a drill found.
#[derive(Debug, Serialize)]
struct Report {
    sound: bool,
    restored: Restored,
    /// Handlers whose checkpoints lie behind the log.
    behind: Vec<handler::LogBehind>,
    projections: Vec<Folded>,
}

/// One projection, folded from the restored log and from the files.
#[derive(Debug, Serialize)]
struct Folded {
    projection: String,
    sound: bool,
    restored: Counts,
    files: Counts,
}

/// What folding came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    events: u64,
    rows: u64,
    /// Events that cannot be folded.
    unfit: u64,
    /// Bytes of all rows, and a sum over them.
    bytes: u64,
    sum: u64,
}

/// Restores and folds, and prints what came of it.
pub(super) async fn run(global: &Global, output: Output, folder: &Path) -> Result<()> {
    let backup = Backup::open(folder).map_err(|problem| advised(problem, ""))?;
    let data = DataFolder::create(&global.data)?;
    let scratch = Scratch::take(&data).await?;
    let options = BrokerOptions {
        // What is thrown away need not be on disk.
        sync_always: false,
        ..BrokerOptions::new(broker::binary(data.path()).await?, scratch.path())
    };
    let broker = Broker::start(options).await?;
    let token = CancellationToken::new();
    let drill = drill(output, &backup, folder, (&broker, scratch.path()), &token);
    let report = stoppable(&token, Box::pin(drill)).await;
    broker.stop().await?;
    let report = report??;
    output.write(&report, || in_words(&report))?;
    if report.sound { Ok(()) } else { Err(Quietly(1).into()) }
}

async fn drill(
    output: Output,
    backup: &Backup,
    folder: &Path,
    (broker, scratch): (&Broker, &Path),
    token: &CancellationToken,
) -> Result<Report> {
    let client = connect(&ConnectOptions::new(broker.url())).await?;
    let composition = contexts::for_looking();
    let bar = Bar::new(output);
    let seen = |progress: Progress<'_>| bar.show(progress);
    let restore =
        Restore { client: &client, backup, composition: &composition, until: None, replicas: 1 };
    let plan = restore.plan(&seen).await.map_err(|problem| advised(problem, ""))?;
    let restored = restore.run(plan, (&seen, token)).await?;
    let behind = handler::past_the_end(&client).await?;
    let (live, files) = (Origin::from(&client), Origin::files(folder).await?);
    let mut projections = Vec::new();
    if restored.plan.position > 0 {
        for info in composition.handlers() {
            if info.kind != HandlerKind::Projection {
                continue;
            }
            if token.is_cancelled() {
                return Err(Advised::new("interrupted", "Nothing is left behind.").into());
            }
            let file = |name: &str| scratch.join(format!("{}-{name}.sqlite", info.name));
            let restored = fold(&live, &composition, info.name, &file("restored")).await?;
            let files = fold(&files, &composition, info.name, &file("files")).await?;
            let (projection, sound) = (info.name.to_owned(), restored == files);
            projections.push(Folded { projection, sound, restored, files });
        }
    }
    let sound = behind.is_empty() && projections.iter().all(|it| it.sound);
    Ok(Report { sound, restored, behind, projections })
}

async fn fold(
    origin: &Origin,
    composition: &Composition,
    projection: &str,
    file: &Path,
) -> Result<Counts> {
    let scope = Scope::fix(origin.clone(), composition, projection, Selection::default()).await?;
    let mut folding = Folding::start(origin.clone(), composition, scope, file).await?;
    let mut counts = Counts::default();
    while let Some(passed) = folding.next().await? {
        counts.unfit += passed.replayed.len() as u64;
    }
    counts.events = folding.events().await?;
    let mut place = RowsPlace::default();
    while let Some((page, next)) = folding.rows(place).await? {
        for row in &page {
            let text = serde_json::to_string(row)?;
            counts.rows += 1;
            counts.bytes += text.len() as u64;
            // In whatever order they come.
            let row = text
                .bytes()
                .fold(0_u64, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
            counts.sum = counts.sum.wrapping_add(row);
        }
        place = next;
    }
    folding.close().await;
    Ok(counts)
}

fn in_words(report: &Report) -> String {
    let Restored { plan, compared, others } = &report.restored;
    let mut lines = vec![format!(
        "backup {}: {compared} commits restored and compared, {others} other messages",
        plan.backup
    )];
    lines.extend(report.behind.iter().map(ToString::to_string));
    lines.extend(report.projections.iter().map(|it| {
        let Counts { events, rows, unfit, .. } = &it.restored;
        let mark = if it.sound { "ok" } else { "DIFFERS from what the files fold to" };
        format!("{:<24} {events:>9} events {rows:>9} rows {unfit:>5} unfit  {mark}", it.projection)
    }));
    lines.push(if report.sound { "sound" } else { "NOT SOUND" }.to_owned());
    lines.join("\n")
}
