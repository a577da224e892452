//! Keys as somebody saw them, kept in a file of the data folder, so that what is done later is done
//! to exactly those. Not here: choosing them, acting upon them.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use infrastructure::{
    deadletter::{DeadLetter, Key, Place},
    problem::Problem,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Selections that are kept; the oldest give way.
const SELECTIONS_MAX: usize = 100;

/// One key as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Chosen {
    /// The subject of the key's records.
    subject: String,
    /// The event that had failed.
    event: Place,
    /// The last record on the subject.
    sequence: u64,
}

/// Keys as they were seen.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Selection {
    /// What names it.
    pub(super) id: Uuid,
    made: DateTime<Utc>,
    keys: Vec<Chosen>,
}

/// What became of a key since it was selected.
#[derive(Debug)]
pub(super) enum Now {
    /// It stands as it was seen.
    Same(Box<DeadLetter>),
    /// It stands still, but something was recorded about it since.
    Moved(Key, String),
}

impl Selection {
    /// The keys of `letters`.
    pub(super) fn of(letters: &[DeadLetter]) -> Self {
        let chosen = |letter: &DeadLetter| Chosen {
            subject: letter.key.subject(),
            event: letter.parked.event.clone(),
            sequence: letter.last,
        };
        let keys = letters.iter().map(chosen).collect();
        Self { id: Uuid::now_v7(), made: Utc::now(), keys }
    }

    /// Keeps it in the data folder `data`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn store(&self, data: &Path) -> Result<()> {
        let folder = folder(data);
        let failed = || format!("cannot keep the selection in {}", folder.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(failed)?;
        make_room(&folder).with_context(failed)?;
        let path = path(data, self.id);
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(path).with_context(failed)?;
        file.write_all(&serde_json::to_vec(self)?).with_context(failed)?;
        file.sync_all().with_context(failed)
    }

    /// Reads the selection `id` back.
    ///
    /// # Errors
    /// `not-found`, if there is none, and if it cannot be read.
    pub(super) fn read(data: &Path, id: Uuid) -> Result<Self> {
        let path = path(data, id);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Problem::not_found(format!("no selection {id} under {}", data.display())).into()
            }
            _ => anyhow::Error::from(error).context(format!("cannot read {}", path.display())),
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }

    /// What became of its keys, of which `letters` still stand still.
    pub(super) fn compare(&self, letters: Vec<DeadLetter>) -> Vec<Now> {
        let mut present: HashMap<_, _> =
            letters.into_iter().map(|letter| (letter.key.subject(), letter)).collect();
        let now = |chosen: &Chosen| match present.remove(&chosen.subject) {
            Some(it) if it.last == chosen.sequence && it.parked.event == chosen.event => {
                Some(Now::Same(Box::new(it)))
            }
            Some(it) => {
                let how = format!("{} at {} by now", super::letter::standing(&it), it.at);
                Some(Now::Moved(it.key, how))
            }
            None => {
                let key = Key::of(&chosen.subject)?;
                Some(Now::Moved(key, "it does not stand still any more".to_owned()))
            }
        };
        self.keys.iter().filter_map(now).collect()
    }
}

fn folder(data: &Path) -> PathBuf {
    data.join("selections")
}

fn path(data: &Path, id: Uuid) -> PathBuf {
    folder(data).join(format!("{id}.json"))
}

/// Ids begin with their time, so the oldest come first.
fn make_room(folder: &Path) -> std::io::Result<()> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "json") {
            kept.push(path);
        }
    }
    kept.sort();
    let excess = (kept.len() + 1).saturating_sub(SELECTIONS_MAX);
    kept.iter().take(excess).try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_back_and_the_oldest_gives_way() {
        let data = tempfile::tempdir().unwrap();
        let chosen = Chosen {
            subject: "dlq.welcome.person.ada".to_owned(),
            event: Place {
                id: None,
                kind: None,
                at: infrastructure::deadletter::Cursor::default(),
            },
            sequence: 7,
        };
        let make = || Selection { keys: vec![chosen.clone()], ..Selection::of(&[]) };
        let first = make();
        first.store(data.path()).unwrap();
        assert_eq!(
            Selection::read(data.path(), first.id).unwrap().keys,
            std::slice::from_ref(&chosen)
        );
        for _ in 0..SELECTIONS_MAX {
            make().store(data.path()).unwrap();
        }
        assert!(Selection::read(data.path(), first.id).is_err());
        assert_eq!(fs::read_dir(folder(data.path())).unwrap().count(), SELECTIONS_MAX);
    }
}
