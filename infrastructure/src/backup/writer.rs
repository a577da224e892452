//! Adding records to a folder of segments. A segment counts once the manifest names it, so a writer that
//! dies leaves what was whole before, and the next one goes on there.
//! Not here: where records come from.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    files,
    line::Kept,
    manifest::{self, Manifest},
    segment::{self, SegmentWriter},
    volume::Volume,
};
use crate::problem::Problem;

/// The folder of one stream in the hands of one process.
pub(super) struct Writer {
    folder: PathBuf,
    manifest: Manifest,
    open: Option<SegmentWriter>,
    _lock: File,
}

impl Writer {
    /// Goes on with the folder, or begins it if it is empty.
    pub(super) fn open(folder: &Path, stream: &str, dense: bool) -> Result<Self, Problem> {
        files::make_folder(folder)?;
        let is_begun = Manifest::path(folder).exists();
        if !is_begun && let Some(other) = foreign(folder, stream)? {
            let detail = format!("{} holds {other}, and no copy of {stream}", folder.display());
            return Err(Problem::conflict(detail));
        }
        let lock = files::lock(folder)?;
        let manifest = match is_begun {
            true => {
                let manifest = Manifest::load(folder)?;
                manifest.check_files(folder)?;
                manifest
            }
            false => {
                let manifest = Manifest::new(stream, dense);
                manifest.save(folder)?;
                manifest
            }
        };
        if (manifest.stream.as_str(), manifest.dense) != (stream, dense) {
            let (folder, found) = (folder.display(), &manifest.stream);
            let detail = format!("{folder} holds a copy of {found}, not of {stream}");
            return Err(Problem::conflict(detail));
        }
        let writer = Self { folder: folder.to_owned(), manifest, open: None, _lock: lock };
        writer.tidy()?;
        Ok(writer)
    }

    /// Removes what a writer that died left behind its last manifest.
    fn tidy(&self) -> Result<(), Problem> {
        for name in names(&self.folder)? {
            let is_listed = self.manifest.segments.iter().any(|segment| segment.file == name);
            if is_left(&name, &self.manifest.stream) && !is_listed {
                let path = self.folder.join(name);
                tracing::info!(file = %path.display(), "left by a writer that died; removed");
                fs::remove_file(&path).map_err(files::refused(&path))?;
            }
        }
        Ok(())
    }

    /// The place of the last record.
    pub(super) fn last(&self) -> u64 {
        self.open.as_ref().map_or_else(|| self.manifest.last(), SegmentWriter::last)
    }

    /// Adds `records`, which follow one another.
    pub(super) fn append(&mut self, records: &[Kept]) -> Result<(), Problem> {
        for kept in records {
            let last = self.last();
            if kept.sequence <= last || (self.manifest.dense && kept.sequence != last + 1) {
                let (stream, at) = (&self.manifest.stream, kept.sequence);
                let detail = format!("{stream} has nothing between {last} and {at}");
                return Err(Problem::corrupt(detail));
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => {
                    let (stream, chain) = (&self.manifest.stream, self.manifest.chain());
                    SegmentWriter::begin(&self.folder, stream, kept, chain)?
                }
            };
            open.append(kept)?;
            let is_full = open.is_full();
            self.open = Some(open);
            if is_full {
                self.complete()?;
            }
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<(), Problem> {
        if let Some(open) = self.open.take() {
            self.manifest.segments.push(open.complete()?);
            self.manifest.save(&self.folder)?;
        }
        Ok(())
    }

    /// Ends the last segment.
    pub(super) fn finish(mut self) -> Result<Volume, Problem> {
        self.complete()?;
        Volume::open(&self.folder)
    }
}

/// A file of somebody else's in `folder`, which is to hold a copy of `stream`.
pub(super) fn foreign(folder: &Path, stream: &str) -> Result<Option<String>, Problem> {
    let ours =
        |name: &String| name == files::LOCK || name == manifest::FILE || is_left(name, stream);
    Ok(names(folder)?.into_iter().find(|name| !ours(name)))
}

/// Whether a writer may have left a file of this name: exactly what it gives to its own.
fn is_left(name: &str, stream: &str) -> bool {
    let end = format!(".{}", files::PART);
    let whole = name.strip_suffix(&end);
    whole == Some(manifest::FILE) || segment::is_name(whole.unwrap_or(name), stream)
}

fn names(folder: &Path) -> Result<Vec<String>, Problem> {
    let entries = fs::read_dir(folder).map_err(files::refused(folder))?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry.map_err(files::refused(folder))?.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}
