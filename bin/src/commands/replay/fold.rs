//! A replay of a projection: folded into a file beside the journal, and printed when it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use infrastructure::{
    composition::Composition,
    readmodel::{RowsPlace, ShownRow},
    replay::{Folding, Origin, Scope},
};
use serde_json::json;

use super::{bar, interrupted, journal::Journal, show};
use crate::{
    output::{Output, clean},
    signals::Stop,
};

/// Folds what is left of the stretch, prints the rows, and lets the file go.
pub(super) async fn run(
    output: Output,
    origin: Origin,
    composition: &Composition,
    mut journal: Journal,
) -> Result<()> {
    let scope = journal.progress.scope.clone();
    let file = journal.beside("sqlite");
    let mut folding = Folding::start(origin, composition, scope.clone(), &file).await?;
    let bar = bar(output, &scope, journal.progress.position);
    let mut stop = Stop::listen()?;
    loop {
        let passed = tokio::select! {
            biased;
            () = stop.asked() => return Err(interrupted(&mut journal)?),
            passed = folding.next() => passed?,
        };
        let Some(passed) = passed else { break };
        bar.suspend(|| show(output, &passed))?;
        journal.pass(&passed)?;
        bar.set_position(passed.position.0.saturating_sub(scope.from.0) + 1);
    }
    bar.finish_and_clear();
    let printed = print(output, &folding).await;
    let events = folding.events().await?;
    folding.close().await;
    // Whether they were read to the end or not: rows hold personal data.
    remove(&file)?;
    journal.finish()?;
    let rows = printed?;
    let Scope { handler, from, to, .. } = scope;
    let summary =
        json!({ "replayed": handler, "from": from, "to": to, "events": events, "rows": rows });
    output
        .write(&summary, || format!("{handler}: {events} events from {from} to {to}, {rows} rows"))
}

async fn print(output: Output, folding: &Folding) -> Result<u64> {
    let (mut place, mut rows) = (RowsPlace::default(), 0);
    while let Some((page, next)) = folding.rows(place).await? {
        for row in &page {
            output.write(row, || told(row))?;
        }
        rows += page.len() as u64;
        place = next;
    }
    Ok(rows)
}

fn told(row: &ShownRow) -> String {
    match row {
        ShownRow::Document { key, document } => {
            format!("{}  {}", clean(key), clean(document.get()))
        }
        ShownRow::Table { table, row } => format!("{table}  {}", clean(row.get())),
    }
}

/// Removes the file and what its database keeps beside it.
fn remove(file: &Path) -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let file = PathBuf::from(name);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
