//! Bodies from the command line, a file or standard input. Standard input is waited for without
//! holding up anything else, and never read unasked. Not here: what a body means.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result};
use infrastructure::problem::Problem;
use nats::limits::COMMAND_BYTES_MAX;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, fstat, tell},
    io::{Errno, ioctl_fionread},
};
use tokio::io::{AsyncBufRead, AsyncReadExt as _, BufReader};

use crate::exit::Advised;

/// Where a body comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line itself.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// What an option names that takes a body: the body, `@FILE`, or `-` for standard input. None
    /// of them begins as JSON does.
    pub(crate) fn of(argument: String) -> Self {
        match argument.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if argument == "-" => Self::Stdin,
            None => Self::Text(argument),
        }
    }
}

/// One body, whole. Twice the limit is enough for the service to say that it is too large.
///
/// # Errors
/// If it cannot be read.
pub(crate) async fn whole(source: &Source) -> Result<Vec<u8>> {
    if let Source::Text(text) = source {
        return Ok(text.clone().into_bytes());
    }
    let limit = 2 * COMMAND_BYTES_MAX;
    let mut body = Vec::new();
    let reader = lines(source).await?;
    reader.take(limit as u64).read_to_end(&mut body).await.context("cannot read the body")?;
    if body.len() == limit {
        let detail = format!("the body is far larger than the {COMMAND_BYTES_MAX} bytes allowed");
        return Err(Problem::too_large(detail).into());
    }
    Ok(body)
}

/// How long a pipe may take to say something that is not read.
const SAID_WITHIN: Duration = Duration::from_millis(250);

/// Whether standard input has something that nobody asked to read: a file that is not at its end,
/// or a pipe into which somebody has written. Nothing of it is taken. A pipe that says nothing, as
/// schedulers leave one open, is nothing.
pub(crate) async fn is_offered() -> bool {
    let offered = tokio::task::spawn_blocking(offered).await;
    // What cannot be looked at cannot be read either.
    matches!(offered, Ok(Ok(true)))
}

fn offered() -> rustix::io::Result<bool> {
    let stdin = std::io::stdin();
    let about = fstat(&stdin)?;
    match FileType::from_raw_mode(about.st_mode) {
        FileType::RegularFile => Ok(tell(&stdin)? < about.st_size.unsigned_abs()),
        FileType::Fifo | FileType::Socket => {
            let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
            let within = Timespec::try_from(SAID_WITHIN).map_err(|_| Errno::INVAL)?;
            poll(&mut asked, Some(&within))?;
            // A pipe whose end has come is ready, too.
            Ok(ioctl_fionread(&stdin)? > 0)
        }
        _ => Ok(false),
    }
}

/// What is read line by line.
pub(crate) type Lines = Box<dyn AsyncBufRead + Send + Unpin>;

/// A source to be read line by line. Says so where a person would wait for it in vain.
///
/// # Errors
/// If it cannot be opened.
pub(crate) async fn lines(source: &Source) -> Result<Lines> {
    Ok(match source {
        Source::Text(text) => Box::new(std::io::Cursor::new(text.clone().into_bytes())),
        Source::Stdin if std::io::stdin().is_terminal() => {
            // Nothing is lost if standard error is closed.
            let _ = writeln!(std::io::stderr(), "reading standard input; Ctrl-D ends it");
            Box::new(BufReader::new(tokio::io::stdin()))
        }
        Source::Stdin => Box::new(BufReader::new(tokio::io::stdin())),
        Source::File(path) => {
            let file = tokio::fs::File::open(path)
                .await
                .with_context(|| Advised::usage(format!("cannot read {}", path.display()), ""))?;
            Box::new(BufReader::new(file))
        }
    })
}
