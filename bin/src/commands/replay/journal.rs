//! How far a replay has come: a file, so that it can be interrupted and resumed at any point.
//! The watermark stands in it too, so a resumed replay ends where it was meant to.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use infrastructure::replay::{Passed, Scope};
use kit::Position;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{data::DataFolder, exit::Advised};

/// What is read again after a kill -9 is at most what was read in this time.
const KEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What the file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) scope: Scope,
    pub(super) begun: DateTime<Utc>,
    /// The files that are read instead of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) archive: Option<PathBuf>,
    /// Everything up to here has been printed.
    pub(super) position: Position,
    /// Events that were picked.
    pub(super) events: u64,
    /// Events that the handler would do something about.
    pub(super) acted: u64,
}

/// The file of one replay.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    kept: Instant,
    pub(super) progress: Progress,
}

impl Journal {
    /// Fixes `scope` at `path`, or at a new place in the data folder.
    pub(super) fn begin(
        scope: Scope,
        archive: Option<PathBuf>,
        path: Option<&Path>,
        data: &Path,
    ) -> Result<Self> {
        let begun = Utc::now();
        let path = match path {
            Some(path) => path.to_owned(),
            None => {
                let folder = DataFolder::create(data)?.path().join("replays");
                fs::create_dir_all(&folder).with_context(|| unusable(&folder))?;
                folder.join(format!("{}-{}.json", scope.handler, begun.format("%Y%m%dT%H%M%S%3f")))
            }
        };
        if path.exists() {
            let advice = "Name another file, or go on with it by --resume.";
            return Err(Advised::usage(format!("{} exists", path.display()), advice).into());
        }
        let position = Position(scope.from.0.saturating_sub(1));
        let progress = Progress { scope, begun, archive, position, events: 0, acted: 0 };
        let mut journal = Self { path, kept: Instant::now(), progress };
        journal.keep()?;
        Ok(journal)
    }

    /// The replay that `path` tells of.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let unfit = || Advised::usage(format!("{} is no replay's file", path.display()), "");
        let text = fs::read(path)
            .with_context(|| Advised::usage(format!("cannot read {}", path.display()), ""))?;
        let progress = serde_json::from_slice(&text).with_context(unfit)?;
        Ok(Self { path: path.to_owned(), kept: Instant::now(), progress })
    }

    /// A file of this replay beside its journal.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    /// Takes in what has been printed.
    pub(super) fn pass(&mut self, passed: &Passed) -> Result<()> {
        self.progress.position = passed.position;
        self.progress.events += passed.events as u64;
        self.progress.acted += passed.replayed.len() as u64;
        if self.kept.elapsed() >= KEEP_INTERVAL {
            self.keep()?;
        }
        Ok(())
    }

    /// Writes the file: whole, or not at all.
    pub(super) fn keep(&mut self) -> Result<&Path> {
        let path = &self.path;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let write = || -> Result<()> {
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec_pretty(&self.progress)?)?;
            file.persist(path)?;
            Ok(())
        };
        write().with_context(|| unusable(path))?;
        self.kept = Instant::now();
        Ok(&self.path)
    }

    /// The replay has reached its end: there is nothing to resume.
    pub(super) fn finish(self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| unusable(&self.path))
    }
}

fn unusable(path: &Path) -> Advised {
    Advised::usage(format!("cannot write {}", path.display()), "")
}
