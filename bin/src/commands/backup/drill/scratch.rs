//! The folder in which a drill is done. Not here: what is done there.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use infrastructure::broker::Broker;
use rustix::fs::{FlockOperation, flock};

use crate::{data::DataFolder, exit::Advised};

/// Its name in the data folder: one that nobody gives to a folder of theirs, because it is removed.
const FOLDER: &str = ".drill";

/// The folder of the drill, of which a data folder has one at a time. It holds all that the log does, and
/// goes with this value; what a drill that was killed left of it, the next one removes.
pub(super) struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    pub(super) async fn take(data: &DataFolder) -> Result<Self> {
        let unusable = || format!("cannot write to {}", data.path().display());
        let lock = data.path().join("drill.lock");
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(lock);
        let lock = open.with_context(unusable)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let message = format!("another drill runs in {}", data.path().display());
            let advice = "Wait for its end, or give this one its own folder with --data DIR.";
            return Err(Advised::new(message, advice).into());
        }
        let path = data.path().join(FOLDER);
        if path.exists() {
            Broker::end_left_behind(path.clone()).await?;
            fs::remove_dir_all(&path).with_context(unusable)?;
            tracing::info!("what a drill that was killed had left is removed");
        }
        DirBuilder::new().mode(0o700).create(&path).with_context(unusable)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "the next drill removes it");
        }
    }
}
