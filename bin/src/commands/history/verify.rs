//! `headwater history verify`: a document by itself, and beside the log.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use infrastructure::{
    backup::PutBack,
    histories::Histories,
    proof::{Beside, Check, Hash, Opening, Verdict},
};
use kit::Position;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
};

use super::export::told;
use crate::{
    connection, contexts,
    exit::{Advised, Quietly},
    options::{Global, JsonArgs},
    output::{Output, clean},
};

/// A commit of 512 KiB in base64, beside it once more as JSON, and room for its headers.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What `headwater history verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is 1 if something is wrong.")]
pub(super) struct VerifyArgs {
    /// The document; - for standard input
    file: PathBuf,
    /// Compare it with the log, too
    #[arg(long)]
    live: bool,
    /// A chain that was noted earlier, elsewhere: it must be part of this one
    #[arg(long, value_name = "CHAIN")]
    noted: Option<Hash>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Reads the document once, and says what is wrong with it.
///
/// # Errors
/// Quietly with 1 if something is wrong with it; if it or the log cannot be read.
pub(super) async fn run(global: &Global, args: VerifyArgs) -> Result<()> {
    let (verdict, beside) = if args.file == Path::new("-") {
        read(global, &args, BufReader::new(tokio::io::stdin())).await?
    } else {
        let unreadable = || {
            let what = format!("{} cannot be read", args.file.display());
            Advised::usage(what, "Name the file that `headwater history export` wrote.")
        };
        let file = File::open(&args.file).await.with_context(unreadable)?;
        read(global, &args, BufReader::new(file)).await?
    };
    let is_right = verdict.findings.is_empty();
    let Verdict { head, noted_at, findings, .. } = &verdict;
    let later = beside.as_ref().map(Beside::later);
    let restored = beside.as_ref().map(Beside::restored);
    let value = json!({
        "verified": is_right, "head": head, "noted_at": noted_at, "later_commits": later,
        "restored_commits": restored, "findings": findings,
    });
    Output::with(global, args.json).write(&value, || text(&verdict, (later, restored)))?;
    if is_right { Ok(()) } else { Err(Quietly(1).into()) }
}

/// The verdict, and the log beside it if it was asked.
async fn read(
    global: &Global,
    args: &VerifyArgs,
    mut lines: impl AsyncBufRead + Unpin,
) -> Result<(Verdict, Option<Beside>)> {
    let mut check = Check::new(args.noted);
    let (mut line, mut beside) = (Vec::new(), None);
    while next(&mut lines, &mut line).await? {
        let seen = check.take(&line);
        if args.live
            && beside.is_none()
            && let Some(opening) = check.opening()
        {
            beside = Some(open(global, opening).await?);
        }
        if let (Some(seen), Some(beside)) = (seen, &mut beside) {
            check.found(beside.compare(seen).await?);
        }
    }
    let head = check.head().map_or(Position::ZERO, |head| head.position);
    let Some(mut beside) = beside else { return Ok((check.finish(), None)) };
    check.found(beside.finish(head).await?);
    Ok((check.finish(), Some(beside)))
}

async fn next(lines: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    let read = lines.take(LINE_BYTES_MAX).read_until(b'\n', line).await?;
    anyhow::ensure!((read as u64) < LINE_BYTES_MAX, "a line is longer than any of a history");
    Ok(read > 0)
}

/// The log's own history of the same aggregate.
async fn open(global: &Global, opening: &Opening) -> Result<Beside> {
    let client = connection::connect(global).await?;
    let histories = Histories::open(client.clone(), contexts::composition().aggregates()).await?;
    let restore = PutBack::find(&client).await?;
    match histories.stored(&opening.aggregate, &opening.id).await {
        Ok(history) => Ok(Beside::new(Some(history), restore)),
        Err(problem) if problem.code == "not-found" => Ok(Beside::new(None, restore)),
        Err(problem) => Err(problem.into()),
    }
}

fn text(verdict: &Verdict, (later, restored): (Option<u64>, Option<u64>)) -> String {
    let Verdict { head, noted_at, findings, .. } = verdict;
    let mut lines: Vec<String> = head.iter().map(told).collect();
    lines.extend(findings.iter().map(|finding| format!("wrong: {}", clean(&finding.to_string()))));
    if let Some(commits @ 1..) = restored {
        lines.push(format!("restored: {commits} commits have other storage times"));
    }
    if findings.is_empty() {
        lines.push("whole: every commit has its hash, and follows the one before it".to_owned());
        if let Some(position) = noted_at {
            lines.push(format!(
                "what was noted stands at position {position}, unchanged up to there"
            ));
        }
        match later {
            Some(0) => lines.push("the log says the same".to_owned()),
            Some(later) => {
                lines.push(format!("the log says the same, and has {later} commits behind it"));
            }
            None => lines.push("not compared with the log (--live)".to_owned()),
        }
    }
    lines.join("\n")
}
