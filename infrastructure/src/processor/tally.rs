//! What became of commands and appends, counted. Plain counters, read when somebody collects.
//! Not here: names and readers; the metrics have those.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    problem::Problem,
    request::{Reply, Status},
};

/// What can become of a command, in groups that differ in what a caller does next.
pub(crate) const ANSWERS: [&str; 11] = [
    "committed",
    "unchanged",
    "replayed",
    "refused",
    "invalid",
    "not-found",
    "conflict",
    "too-large",
    "unavailable",
    "timeout",
    "internal",
];

/// How an append can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Append {
    /// It is in the log.
    Committed,
    /// Another writer was first.
    Conflict,
    /// It had too many bytes.
    TooLarge,
    /// The store refused it.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl Append {
    /// All of them, with their names.
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Committed, "committed"),
        (Self::Conflict, "conflict"),
        (Self::TooLarge, "too-large"),
        (Self::Refused, "refused"),
        (Self::Unknown, "unknown"),
    ];
}

/// The counts of one processor.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answers: [AtomicU64; ANSWERS.len()],
    appends: [AtomicU64; Append::ALL.len()],
    events: AtomicU64,
}

impl Tally {
    /// Counts the answer to one command.
    pub(crate) fn answered(&self, result: &Result<Reply, Problem>) {
        let place = match result {
            Ok(Reply { status: Status::Committed, .. }) => 0,
            Ok(Reply { status: Status::Unchanged, .. }) => 1,
            Ok(Reply { status: Status::Replayed, .. }) => 2,
            Err(problem) => match problem.status {
                422 => 3,
                400 => 4,
                404 => 5,
                409 => 6,
                413 => 7,
                503 => 8,
                504 => 9,
                _ => 10,
            },
        };
        add(&self.answers, place, 1);
    }

    /// Counts the end of an append.
    pub(crate) fn appended(&self, how: Append) {
        add(&self.appends, how as usize, 1);
    }

    /// Counts the events of a commit.
    pub(crate) fn events(&self, count: u64) {
        self.events.fetch_add(count, Ordering::Relaxed);
    }

    /// Commands by what became of them.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ANSWERS.into_iter().zip(self.answers.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Appends by how they ended.
    pub(crate) fn appends(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.appends.iter().map(|count| count.load(Ordering::Relaxed));
        Append::ALL.into_iter().map(|(_, name)| name).zip(counts)
    }

    /// Events in the log by these appends.
    pub(crate) fn appended_events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

fn add(counts: &[AtomicU64], place: usize, count: u64) {
    if let Some(counter) = counts.get(place) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
