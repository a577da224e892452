//! A folder with the records of one stream, in segments: what it says it holds, and reading it.
//! Not here: writing it, and where its records come from or go to.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{
    chain::Chain,
    line::Kept,
    manifest::{self, Manifest, Segment},
    segment::SegmentReader,
};
use crate::{envelope, problem::Problem, replay::Bound};

/// Records that are read ahead, so many at a time. Of the largest, they are some 64 MiB.
const HAND: usize = 64;
const HANDS: usize = 2;

/// What is wrong with a copy, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{stream} behind position {behind}, {file}: {what}")]
pub struct Fault {
    /// The stream.
    pub stream: String,
    /// The file.
    pub file: String,
    /// The last position before it that is whole.
    pub behind: u64,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A copy of `stream` of which nothing can be read.
    pub(super) fn of_all(stream: &str, what: String) -> Self {
        Self { stream: stream.to_owned(), file: manifest::FILE.to_owned(), behind: 0, what }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::corrupt(fault.to_string())
    }
}

/// The records of one stream in a folder.
#[derive(Debug, Clone)]
pub struct Volume {
    folder: PathBuf,
    manifest: Manifest,
    /// Up to here the times of storage are those of a restore, which say nothing.
    put_back: u64,
}

impl Volume {
    /// What the folder's manifest says.
    ///
    /// # Errors
    /// `not-found`, or `corrupt` if it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Problem> {
        Ok(Self { folder: folder.to_owned(), manifest: Manifest::load(folder)?, put_back: 0 })
    }

    /// The same copy of a log that had come back from a backup up to `position`: its events say when it was
    /// as it was.
    pub(super) fn put_back(self, position: u64) -> Self {
        Self { put_back: position, ..self }
    }

    /// When the record became part of the log: when it was stored, or when its last event was decided if it
    /// was stored anew by a restore. None if that cannot be read.
    pub(super) fn time_of(&self, kept: &Kept) -> Option<DateTime<Utc>> {
        if kept.sequence > self.put_back {
            return Some(kept.time);
        }
        Some(envelope::decode(&kept.body).ok()?.last()?.time)
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.manifest.stream
    }

    /// The place of the last record, 0 if there is none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.manifest.last()
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.manifest.records()
    }

    /// The chain behind the last record. Kept elsewhere, it proves later that nothing was changed.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.manifest.chain()
    }

    /// Its files.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.manifest.segments
    }

    /// The records behind `after`, checked as they are read, from the beginning of their segment on.
    #[must_use]
    pub fn read(&self, after: u64) -> Reader {
        let segments = self.manifest.segments.iter();
        let left = segments.skip_while(|segment| segment.last <= after).cloned().collect();
        let before = self.manifest.segments.iter().rev().find(|segment| segment.last <= after);
        Reader {
            volume: self.clone(),
            left,
            open: None,
            after,
            last: before.map_or(0, |segment| segment.last),
        }
    }

    /// The same, some at a time, read ahead on a thread of its own. It ends with the first fault.
    pub(crate) fn read_ahead(&self, after: u64) -> mpsc::Receiver<Result<Vec<Kept>, Fault>> {
        let ((sender, hands), mut reader) = (mpsc::channel(HANDS), self.read(after));
        spawn_blocking(move || {
            loop {
                let hand = reader.hand();
                let is_last = hand.as_ref().map_or(true, |hand| hand.len() < HAND);
                if sender.blocking_send(hand).is_err() || is_last {
                    return;
                }
            }
        });
        hands
    }

    /// Reads everything, and says what is wrong: the first fault of each segment. `passed` is told of
    /// records as they are read.
    pub fn verify(&self, mut passed: impl FnMut(u64)) -> Vec<Fault> {
        let (mut faults, mut reader) = (Vec::new(), self.read(0));
        loop {
            match reader.take() {
                Ok(Some(_)) => passed(1),
                Ok(None) => return faults,
                // The chain before the next segment is known, so that one can be told from another.
                Err(fault) => faults.push(fault),
            }
        }
    }

    /// The last place that `bound` lets in.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn last_until(&self, bound: Bound) -> Result<u64, Problem> {
        match bound {
            Bound::Position(position) => Ok(position.0.min(self.last())),
            Bound::Time(time) => Ok(self.before(|stored| stored > time)?),
        }
    }

    /// The first place that `bound` lets in; behind the last if there is none.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn first_since(&self, bound: Bound) -> Result<u64, Problem> {
        match bound {
            Bound::Position(position) => Ok(position.0),
            Bound::Time(time) => Ok(self.before(|stored| stored >= time)? + 1),
        }
    }

    /// The last place before the first record of such a time.
    fn before(&self, is_such: impl Fn(DateTime<Utc>) -> bool) -> Result<u64, Fault> {
        let segments = &self.manifest.segments;
        let may_have = |it: &Segment| it.first <= self.put_back || is_such(it.last_time);
        let Some(at) = segments.iter().position(may_have) else {
            return Ok(self.last());
        };
        let mut last = at.checked_sub(1).and_then(|at| segments.get(at)).map_or(0, |it| it.last);
        let mut reader = self.read(last);
        while let Some(kept) = reader.take()? {
            if self.time_of(&kept).is_some_and(&is_such) {
                break;
            }
            last = kept.sequence;
        }
        Ok(last)
    }
}

/// Records in order.
pub struct Reader {
    volume: Volume,
    left: VecDeque<Segment>,
    open: Option<(String, SegmentReader)>,
    after: u64,
    last: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Reader {
    /// The next record; none at the end. After a fault it goes on with the next segment.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn take(&mut self) -> Result<Option<Kept>, Fault> {
        loop {
            let Some((file, reader)) = &mut self.open else {
                let Some(segment) = self.left.pop_front() else { return Ok(None) };
                self.begin(segment)?;
                continue;
            };
            match reader.next() {
                Ok(Some(kept)) => {
                    self.last = kept.sequence;
                    if kept.sequence > self.after {
                        return Ok(Some(kept));
                    }
                }
                Ok(None) => self.open = None,
                Err(what) => {
                    let (file, behind) = (file.clone(), reader.last);
                    return Err(self.fail(file, behind, what));
                }
            }
        }
    }

    /// As many as are handed over at a time; fewer at the end.
    fn hand(&mut self) -> Result<Vec<Kept>, Fault> {
        let mut hand = Vec::with_capacity(HAND);
        while hand.len() < HAND {
            let Some(kept) = self.take()? else { break };
            hand.push(kept);
        }
        Ok(hand)
    }

    fn begin(&mut self, segment: Segment) -> Result<(), Fault> {
        let (folder, manifest) = (&self.volume.folder, &self.volume.manifest);
        let (file, behind) = (segment.file.clone(), self.last);
        match SegmentReader::open(folder, segment, manifest.dense, behind) {
            Ok(reader) => {
                self.open = Some((file, reader));
                Ok(())
            }
            Err(what) => Err(self.fail(file, behind, what)),
        }
    }

    fn fail(&mut self, file: String, behind: u64, what: String) -> Fault {
        self.open = None;
        // Where the next segment goes on.
        let next = self.left.front().map(|segment| segment.file.clone());
        let segments = &self.volume.manifest.segments;
        let before = segments.iter().take_while(|segment| Some(&segment.file) != next.as_ref());
        self.last = before.last().map_or(self.last, |segment| segment.last);
        Fault { stream: self.volume.manifest.stream.clone(), file, behind, what }
    }
}
