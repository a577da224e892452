//! All that must come back, in one folder: a copy of each stream, and a word that they are complete.
//!
//! The order in which they are made keeps them fit for one another. A handler acts, then writes down what
//! stands still or waits, then moves its checkpoint: so checkpoints come first, and what they rest on is
//! in the copies behind them. `EVENTS` comes behind all that speaks of it and is never behind anything, and
//! the keys behind `EVENTS`, so that no commit is without the one that it is sealed under.
//! Not here: putting it back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use nats::{buckets::stream_of, names};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    archive::continued,
    capture::{self, blocking},
    chain::Chain,
    files, manifest, marker,
    seen::{Progress, Seen},
    volume::{Fault, Volume},
    writer,
};
use crate::{handler::end_of, problem::Problem};

const FORM: u32 = 1;
pub(super) const FILE: &str = "backup.json";

/// One stream in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The stream, and the folder of its copy.
    pub stream: String,
    /// How many messages.
    pub records: u64,
    /// The place of the last.
    pub last: u64,
    /// The chain behind it.
    pub chain: Chain,
}

/// What a whole backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Word {
    form: u32,
    id: Uuid,
    begun: DateTime<Utc>,
    ended: DateTime<Utc>,
    server: String,
    program: String,
    /// Every epoch of an owner is at most this.
    epochs: u64,
    contents: Vec<Contents>,
}

/// A backup in a folder.
#[derive(Debug, Clone)]
pub struct Backup {
    folder: PathBuf,
    word: Word,
}

/// The streams of a backup, in the order in which they are copied.
pub(super) fn streams() -> [String; 8] {
    [
        stream_of(names::CHECKPOINTS),
        // What was taken from the queue has an outcome or a dead letter before it is gone from there.
        names::COMMANDS.to_owned(),
        stream_of(names::HANDLERS),
        names::DLQ.to_owned(),
        names::TIMERS.to_owned(),
        stream_of(names::RESULTS),
        names::EVENTS.to_owned(),
        // A key is there before anything is sealed under it.
        stream_of(names::KEYS),
    ]
}

/// Copies everything that must come back into `folder`. What an earlier run left unfinished there is
/// taken up again.
///
/// # Errors
/// `conflict` if the folder holds a whole backup, or something else, or the streams are being restored;
/// `corrupt`; `unavailable`, also if
/// it was stopped.
pub async fn backup(
    client: &async_nats::Client,
    folder: &Path,
    (seen, stop): (Seen<'_>, &CancellationToken),
) -> Result<Backup, Problem> {
    marker::unfinished(client).await?;
    let _lock = prepare(folder)?;
    let begun = Utc::now();
    let (mut contents, streams) = (Vec::new(), streams());
    for name in &streams {
        let (stream, path) = (capture::open(client, name).await?, folder.join(name));
        let volume = if name == names::EVENTS {
            continued(&stream, &path).await?;
            let end = end_of(&stream).await;
            let end = end.map_err(|error| Problem::unavailable(error.to_string()))?;
            capture::events(client, &stream, &path, end, (seen, stop)).await?
        } else {
            if path.exists() {
                if let Some(other) = writer::foreign(&path, name)? {
                    let detail = format!("{} holds {other}, and no copy of {name}", path.display());
                    return Err(Problem::conflict(detail));
                }
                // Older than what follows it must not be.
                fs::remove_dir_all(&path).map_err(files::refused(&path))?;
            }
            capture::rest(client, &stream, &path, (seen, stop)).await?
        };
        if stop.is_cancelled() {
            return Err(capture::stopped());
        }
        let (records, last, chain) = (volume.records(), volume.last(), volume.chain());
        contents.push(Contents { stream: name.clone(), records, last, chain });
    }
    marker::unfinished(client).await?;
    let leases = capture::open(client, &stream_of(names::LEASES)).await?;
    let epochs = end_of(&leases).await;
    let epochs = epochs.map_err(|error| Problem::unavailable(error.to_string()))?.0;
    let word = Word {
        form: FORM,
        id: Uuid::now_v7(),
        begun,
        ended: Utc::now(),
        server: client.server_info().version,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        epochs,
        contents,
    };
    let path = folder.join(FILE);
    let written = word.clone();
    blocking(move || files::write_sealed(&path, &written)).await?;
    Ok(Backup { folder: folder.to_owned(), word })
}

/// Makes the folder ours, unless something stands there that is not an unfinished backup.
fn prepare(folder: &Path) -> Result<fs::File, Problem> {
    files::make_folder(folder)?;
    if folder.join(FILE).exists() {
        let detail = format!("{} holds a whole backup; name another folder", folder.display());
        return Err(Problem::conflict(detail));
    }
    let known = streams();
    for entry in fs::read_dir(folder).map_err(files::refused(folder))? {
        let name = entry.map_err(files::refused(folder))?.file_name();
        let name = name.to_string_lossy();
        let ours = name == files::LOCK || name == format!("{FILE}.{}", files::PART);
        if !ours && !known.iter().any(|stream| *stream == name) {
            let detail = format!("{} holds {name}, and no backup", folder.display());
            return Err(Problem::conflict(detail));
        }
    }
    files::lock(folder)
}

impl Backup {
    /// What the folder says it holds.
    ///
    /// # Errors
    /// `not-found` if it holds no whole backup, `corrupt` if that cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Problem> {
        let word: Word = files::read_sealed(&folder.join(FILE)).map_err(|problem| match problem
            .code
            .as_str()
        {
            "not-found" => {
                let is_archive = folder.join(manifest::FILE).exists();
                let folder = folder.display();
                Problem::not_found(match is_archive {
                    true => format!("{folder} holds an archive, which is no backup"),
                    false => format!("{folder} holds no backup that was finished"),
                })
            }
            _ => problem,
        })?;
        if word.form != FORM {
            let detail = format!("the form {} of the backup is newer than this program", word.form);
            return Err(Problem::invalid(detail));
        }
        Ok(Self { folder: folder.to_owned(), word })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.word.id
    }

    /// When it was begun; everything that had been acknowledged by then is in it.
    #[must_use]
    pub const fn begun(&self) -> DateTime<Utc> {
        self.word.begun
    }

    /// When the last of it was copied.
    pub(super) const fn ended(&self) -> DateTime<Utc> {
        self.word.ended
    }

    /// Whether there is a copy of the stream.
    pub(super) fn has(&self, stream: &str) -> bool {
        self.word.contents.iter().any(|it| it.stream == stream)
    }

    /// What is in it.
    #[must_use]
    pub fn contents(&self) -> &[Contents] {
        &self.word.contents
    }

    /// Every epoch of an owner that is written in it is at most this.
    pub(super) const fn epochs(&self) -> u64 {
        self.word.epochs
    }

    /// The copy of one stream.
    ///
    /// # Errors
    /// `not-found`, or `corrupt` if it is not the one that the backup was made of.
    pub fn volume(&self, stream: &str) -> Result<Volume, Problem> {
        let contents = self.word.contents.iter().find(|it| it.stream == stream);
        let contents =
            contents.ok_or_else(|| Problem::not_found(format!("{stream} is not in the backup")))?;
        let mut volume = Volume::open(&self.folder.join(stream))?;
        if stream == names::EVENTS
            && let Some(it) = marker::PutBack::in_copy(&self.volume(&stream_of(names::HANDLERS))?)?
        {
            volume = volume.put_back(it.position.0);
        }
        let found = (volume.stream(), volume.records(), volume.last(), volume.chain());
        let Contents { stream, records, last, chain } = contents;
        if found == (stream.as_str(), *records, *last, *chain) {
            return Ok(volume);
        }
        let detail = format!("{stream}: its manifest is not the one that the backup was made with");
        Err(Problem::corrupt(detail))
    }

    /// Reads everything, and says what is wrong with each copy.
    ///
    /// # Errors
    /// `unavailable` if the files cannot be reached.
    pub async fn verify(&self, seen: Seen<'_>) -> Result<Vec<Fault>, Problem> {
        let mut faults = Vec::new();
        for Contents { stream, records, .. } in &self.word.contents {
            let volume = match self.volume(stream) {
                Ok(volume) => volume,
                Err(problem) if problem.code == "unavailable" => return Err(problem),
                Err(problem) => {
                    faults.push(Fault::of_all(stream, problem.detail));
                    continue;
                }
            };
            seen(Progress { doing: "checking", stream, at: 0, of: *records });
            faults.extend(blocking(move || Ok(volume.verify(|_| {}))).await?);
            seen(Progress { doing: "checking", stream, at: *records, of: *records });
        }
        Ok(faults)
    }
}
