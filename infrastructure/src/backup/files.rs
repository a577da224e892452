//! Files that are there whole and on disk, or not at all, and that only their owner reads: they hold
//! personal data. Not here: what is in them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The end of the name of a file that is being written.
pub(super) const PART: &str = "part";
/// Held by whoever writes into a folder.
pub(super) const LOCK: &str = "lock";

/// A JSON value and the SHA-256 of its text.
#[derive(Serialize, Deserialize)]
struct Sealed {
    content: Box<RawValue>,
    sha256: String,
}

/// What the operating system refused, in words.
pub(super) fn refused(path: &Path) -> impl FnOnce(io::Error) -> Problem {
    let path = path.display().to_string();
    move |error| match error.kind() {
        io::ErrorKind::NotFound => Problem::not_found(format!("{path} is not there")),
        _ => Problem::unavailable(format!("{path}: {error}")),
    }
}

/// Makes the folder, and those above it.
pub(super) fn make_folder(path: &Path) -> Result<(), Problem> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refused(path))
}

/// Takes the folder for this process, for as long as the file is open.
pub(super) fn lock(folder: &Path) -> Result<File, Problem> {
    let path = folder.join(LOCK);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = open.map_err(refused(&path))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Problem::conflict(format!("another process writes to {}", folder.display()))
    })?;
    Ok(file)
}

/// Begins a file that takes its name once it is whole; see [`complete`].
pub(super) fn begin(path: &Path) -> Result<File, Problem> {
    let part = part_of(path);
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    open.map_err(refused(&part))
}

/// Gives a file that is whole its name, once it is on disk.
pub(super) fn complete(file: &File, path: &Path) -> Result<(), Problem> {
    file.sync_all().map_err(refused(path))?;
    fs::rename(part_of(path), path).map_err(refused(path))?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused(folder))
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(PART);
    name.into()
}

/// Writes `value` with its digest, in the place of what stood there.
pub(super) fn write_sealed(path: &Path, value: &impl Serialize) -> Result<(), Problem> {
    let unwritable = |error: serde_json::Error| Problem::internal(error.to_string());
    let content = serde_json::value::to_raw_value(value).map_err(unwritable)?;
    let sha256 = hex(content.get());
    let text = serde_json::to_vec(&Sealed { content, sha256 }).map_err(unwritable)?;
    let mut file = begin(path)?;
    file.write_all(&text).and_then(|()| file.write_all(b"\n")).map_err(refused(path))?;
    complete(&file, path)
}

/// Opens a file to read it. What is no file, such as a pipe, might never end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))
}

/// Reads what [`write_sealed`] wrote.
pub(super) fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<T, Problem> {
    let mut text = Vec::new();
    open(path).and_then(|mut file| file.read_to_end(&mut text)).map_err(refused(path))?;
    let damaged = |why: &str| Problem::corrupt(format!("{}: {why}", path.display()));
    let sealed: Sealed =
        serde_json::from_slice(&text).map_err(|error| damaged(&error.to_string()))?;
    if hex(sealed.content.get()) != sealed.sha256 {
        return Err(damaged("it was changed after it was written"));
    }
    serde_json::from_str(sealed.content.get()).map_err(|error| damaged(&error.to_string()))
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
