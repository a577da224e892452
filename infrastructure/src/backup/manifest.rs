//! What a folder of segments says it holds. Not here: whether it does.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{chain::Chain, files, segment, whole};
use crate::problem::Problem;

/// The only form there is.
const FORM: u32 = 1;
pub(super) const FILE: &str = "manifest.json";

/// One file of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its name in the folder.
    pub file: String,
    /// The place of the first record.
    pub first: u64,
    /// The place of the last record.
    pub last: u64,
    /// How many there are.
    pub records: u64,
    /// The size of the file.
    pub bytes: u64,
    /// The SHA-256 of the file.
    pub sha256: Chain,
    /// The size of the records in it.
    pub plain_bytes: u64,
    /// When the first was stored.
    pub first_time: DateTime<Utc>,
    /// When the last was stored.
    pub last_time: DateTime<Utc>,
    /// The chain before the first record.
    pub begins: Chain,
    /// The chain behind the last record.
    pub ends: Chain,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    form: u32,
    pub(super) stream: String,
    /// Whether no place between two records is empty, and the first is 1.
    pub(super) dense: bool,
    pub(super) segments: Vec<Segment>,
}

impl Manifest {
    pub(super) fn new(stream: &str, dense: bool) -> Self {
        Self { form: FORM, stream: stream.to_owned(), dense, segments: Vec::new() }
    }

    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    pub(super) fn load(folder: &Path) -> Result<Self, Problem> {
        let path = Self::path(folder);
        let found: Self =
            files::read_sealed(&path).map_err(|problem| match problem.code.as_str() {
                "not-found" if folder.join(whole::FILE).exists() => {
                    let detail =
                        format!("{} holds a backup, which is no archive", folder.display());
                    Problem::not_found(detail)
                }
                _ => problem,
            })?;
        let fits = |(before, segment): (Option<&Segment>, &Segment)| {
            let (last, chain) =
                before.map_or((0, Chain::of(&found.stream)), |it| (it.last, it.ends));
            let span = segment.last.checked_sub(segment.first).and_then(|it| it.checked_add(1));
            let fits = span.is_some_and(|span| match found.dense {
                true => segment.records == span && segment.first == last.saturating_add(1),
                false => (1..=span).contains(&segment.records),
            });
            let name = segment::name_of(&found.stream, segment.first);
            segment.first > last
                && fits
                && segment.begins == chain
                && segment.file == name
                && !name.contains('/')
        };
        let before = std::iter::once(None).chain(found.segments.iter().map(Some));
        if found.form != FORM {
            let form = found.form;
            let detail = format!("{}: the form {form} is newer than this program", path.display());
            return Err(Problem::invalid(detail));
        }
        if !before.zip(&found.segments).all(fits) {
            let detail = format!("{}: the segments do not follow one another", path.display());
            return Err(Problem::corrupt(detail));
        }
        Ok(found)
    }

    /// Looks whether each segment is there in its size. What is in it only a reader finds out.
    pub(super) fn check_files(&self, folder: &Path) -> Result<(), Problem> {
        for Segment { file, bytes, .. } in &self.segments {
            let path = folder.join(file);
            let corrupt = |what: &str| Problem::corrupt(format!("{}: {what}", path.display()));
            let found = match fs::metadata(&path) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(corrupt("the file is missing"));
                }
                Err(error) => return Err(files::refused(&path)(error)),
            };
            if found.len() != *bytes {
                return Err(corrupt(&format!(
                    "it has {} bytes and should have {bytes}",
                    found.len()
                )));
            }
        }
        Ok(())
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), Problem> {
        files::write_sealed(&Self::path(folder), self)
    }

    /// The place of the last record, 0 if there is none.
    pub(super) fn last(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.last)
    }

    /// The chain behind the last record.
    pub(super) fn chain(&self) -> Chain {
        self.segments.last().map_or_else(|| Chain::of(&self.stream), |segment| segment.ends)
    }

    pub(super) fn records(&self) -> u64 {
        self.segments.iter().map(|segment| segment.records).sum()
    }
}
