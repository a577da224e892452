//! The archive of a log: what it holds, and how it goes on from there. Not here: how commits get into files.

use std::{io, path::Path};

use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use nats::names;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    Chain,
    capture::{blocking, end, events, kept, open},
    files, marker,
    seen::Seen,
    volume::Volume,
    whole,
};
use crate::{
    problem::Problem,
    replay::{Bound, check_time, last_until},
};

/// What an archive holds now.
#[derive(Debug, Clone, Serialize)]
pub struct Archived {
    /// Up to here it was there before.
    pub from: u64,
    /// Up to here it goes now.
    pub to: u64,
    /// The end of the log when it was looked at.
    pub end: u64,
    /// Commits in it.
    pub records: u64,
    /// The chain behind the last.
    pub chain: Chain,
    /// Whether it was told to stop before.
    pub stopped: bool,
}

/// Adds to the archive in `folder` what has come since, up to `until` or to the end.
///
/// # Errors
/// `invalid` if the log ends before `until`; `conflict` if the folder holds something else, the archive of another log, or a part of a backup, or if
/// the log is being restored; `corrupt`;
/// `unavailable` if the log or the folder does not answer.
pub async fn archive(
    client: &async_nats::Client,
    folder: &Path,
    until: Option<Bound>,
    (seen, stop): (Seen<'_>, &CancellationToken),
) -> Result<Archived, Problem> {
    if is_of_backup(folder)? {
        let detail = format!("{} is part of a backup; name another folder", folder.display());
        return Err(Problem::conflict(detail));
    }
    marker::unfinished(client).await?;
    let stream = open(client, names::EVENTS).await?;
    let end = end(&stream).await?;
    let to = match until {
        None => end,
        Some(Bound::Position(position)) if position > end => {
            return Err(Problem::invalid(format!("the log ends at {end}, before {position}")));
        }
        Some(Bound::Position(position)) => position,
        Some(Bound::Time(time)) => {
            check_time(client, time).await?;
            last_until(&stream, time).await?.min(end)
        }
    };
    let before = continued(&stream, folder).await?;
    let volume = events(client, &stream, folder, to, (seen, stop)).await?;
    marker::unfinished(client).await?;
    let (records, chain, last) = (volume.records(), volume.chain(), volume.last());
    let stopped = last < to.0;
    Ok(Archived { from: before, to: last, end: end.0, records, chain, stopped })
}

/// Whether the folder stands in a whole backup: what is added there would make another one of it.
fn is_of_backup(folder: &Path) -> Result<bool, Problem> {
    let path = match folder.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::path::absolute(folder).map_err(files::refused(folder))?
        }
        Err(error) => return Err(files::refused(folder)(error)),
    };
    Ok(path.parent().is_some_and(|parent| parent.join(whole::FILE).exists()))
}

/// Where the archive in `folder` ends, if the log goes on there.
pub(super) async fn continued(stream: &Stream, folder: &Path) -> Result<u64, Problem> {
    let name = stream.cached_info().config.name.clone();
    let path = folder.to_owned();
    let last = blocking(move || match Volume::open(&path) {
        Ok(volume) if volume.stream() == name => match volume.last() {
            0 => Ok(None),
            last => Ok(volume.read(last - 1).take()?),
        },
        // Whoever begins to write says what stands there instead.
        Ok(_) => Ok(None),
        Err(problem) if problem.code == "not-found" => Ok(None),
        Err(problem) => Err(problem),
    });
    let Some(last) = last.await? else { return Ok(0) };
    let at = last.sequence;
    let other = || {
        let detail = format!(
            "{} archives another log: its record {at} is not what stands there now",
            folder.display()
        );
        Problem::conflict(detail)
    };
    let found = match stream.get_raw_message(at).await {
        Ok(found) => found,
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
            let folder = folder.display();
            let detail =
                format!("{folder} goes up to {at}, and the log ends before: it was restored");
            return Err(Problem::conflict(detail));
        }
        Err(error) => return Err(Problem::unavailable(error.to_string())),
    };
    if kept(found).is_same(&last) { Ok(at) } else { Err(other()) }
}
