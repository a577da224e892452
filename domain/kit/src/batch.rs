//! Batch effects: handlers that touch the outside for many events at a time.
//! Not here: gathering, retry and dead letters; a batch effect only says how each event went.

use std::{collections::HashMap, future::Future, time::Duration};

use crate::{AggregateId, CommandId, EventSet, Outcome, Recorded, Retries, Start, TIME_LIMIT};

/// When a batch is handed over: as soon as it is full, or its oldest event has waited long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Most events in one batch.
    pub events: usize,
    /// Most bytes of stored data in one batch; an event that is larger comes alone.
    pub bytes: usize,
    /// How long an event waits for others.
    pub wait: Duration,
}

impl BatchSize {
    /// A hundred events, half a megabyte, a fifth of a second.
    pub const DEFAULT: Self =
        Self { events: 100, bytes: 512 * 1024, wait: Duration::from_millis(200) };
}

impl Default for BatchSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// One event of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batched<E> {
    /// The event.
    pub event: Recorded<E>,
    /// Its full type, `<aggregate>.<kind>`.
    pub kind: String,
    /// The same for every delivery of it: hand it to the outside, so that the outside can tell a
    /// repeat.
    pub key: CommandId,
}

/// Events to be handled together, in the order of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<E>(Vec<Batched<E>>);

impl<E> Batch<E> {
    /// A batch of `events`, which are in the order of the log.
    #[must_use]
    pub const fn new(events: Vec<Batched<E>>) -> Self {
        Self(events)
    }

    /// The events with their places in the batch, in the order of the log.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Batched<E>)> {
        self.0.iter().enumerate()
    }

    /// How many there are; never none.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none, which no runtime hands over.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events themselves.
    #[must_use]
    pub fn into_events(self) -> Vec<Batched<E>> {
        self.0
    }

    /// The batch as runs of groups: events of one type together, as few runs as can be. Handling run
    /// after run, group after group in each, and event after event in each of these keeps the order
    /// of every aggregate.
    #[must_use]
    pub fn runs(&self) -> Vec<Run<'_, E>> {
        let mut runs: Vec<Run<'_, E>> = Vec::new();
        // The group in which the last event of each aggregate stands, of the run that grows.
        let mut last: HashMap<(&str, &AggregateId), usize> = HashMap::new();
        for (place, event) in self.iter() {
            let key = (event.event.aggregate.as_str(), &event.event.aggregate_id);
            let fits = |run: &Run<'_, E>| {
                let group = run.groups.iter().position(|group| group.kind == event.kind);
                let group = group.unwrap_or(run.groups.len());
                last.get(&key).is_none_or(|before| *before <= group).then_some(group)
            };
            let group = match runs.last().and_then(fits) {
                Some(group) => group,
                None => {
                    last.clear();
                    runs.push(Run { groups: Vec::new() });
                    0
                }
            };
            last.insert(key, group);
            if let Some(run) = runs.last_mut() {
                match run.groups.get_mut(group) {
                    Some(group) => group.events.push((place, event)),
                    None => {
                        run.groups.push(Group { kind: &event.kind, events: vec![(place, event)] });
                    }
                }
            }
        }
        runs
    }
}

/// A stretch of a batch in which events can be taken together by type.
#[derive(Debug, Clone, PartialEq)]
pub struct Run<'a, E> {
    /// In the order in which they are to be handled.
    pub groups: Vec<Group<'a, E>>,
}

/// Events of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a, E> {
    /// Their full type, `<aggregate>.<kind>`.
    pub kind: &'a str,
    /// With their places in the batch, in the order of the log.
    pub events: Vec<(usize, &'a Batched<E>)>,
}

/// How handling one batch went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Every event is done.
    Done,
    /// These events went so, by their places in the batch; every other is done. An event behind one
    /// that is not done, of the same aggregate, is handled again whatever is said about it.
    Each(Vec<(usize, Outcome)>),
    /// What it depends on is away, and no event is done.
    Away {
        /// Why, in words without personal data.
        reason: String,
    },
    /// What it depends on takes none of them because of one, and does not say which. They are handed
    /// over again in halves, down to the one that it does not take even alone, which is parked.
    Refused {
        /// Why, in words without personal data.
        reason: String,
    },
}

/// Whenever some of these events, then do this outside, for many of them at a time.
///
/// Every event is handled at least once. An event that fails is handed over again by the rules of
/// [`RETRIES`](Self::RETRIES), with what comes behind it of its aggregate, and parked like that of any
/// other handler; the rest of the batch is done with. One batch is handled at a time. When the code
/// panics, or [`BatchOutcome::Refused`] says so, nobody knows at which event: the batch is handed over
/// again in halves, down to the one that is to blame.
///
/// ```
/// use kit::{Batch, BatchEffect, BatchOutcome, BatchSize, Outcome};
/// # #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
/// # pub struct LampLit { pub lumens: u32 }
/// # kit::events! {
/// #     /// What happens to a lamp.
/// #     pub enum LampEvent for "lamp" { "lamp-lit" => LampLit: 1 }
/// # }
/// # struct Archive;
/// # impl Archive { async fn store(&self, _: String) -> std::io::Result<()> { Ok(()) } }
///
/// /// Whenever lamps are lit, a line for each is put into the archive, many lines at a time.
/// struct ArchiveLamps(Archive);
///
/// impl BatchEffect for ArchiveLamps {
///     const NAME: &'static str = "archive-lamps";
///     const SIZE: BatchSize = BatchSize { events: 500, ..BatchSize::DEFAULT };
///     const DEPENDENCY: Option<&'static str> = Some("archive");
///     type When = LampEvent;
///
///     async fn run(&self, batch: &Batch<LampEvent>) -> BatchOutcome {
///         let (mut lines, mut odd) = (String::new(), Vec::new());
///         for (place, it) in batch.iter() {
///             match serde_json::to_string(&it.event.event) {
///                 // The key lets a reader pass over a line that it has seen.
///                 Ok(line) => lines += &format!("{} {line}\n", it.key),
///                 Err(error) => odd.push((place, Outcome::Park { reason: error.to_string() })),
///             }
///         }
///         match self.0.store(lines).await {
///             Ok(()) => BatchOutcome::Each(odd),
///             Err(error) => BatchOutcome::Away { reason: error.to_string() },
///         }
///     }
/// }
/// ```
pub trait BatchEffect: Send + Sync + 'static {
    /// The effect's name. Part of the wire: it names the checkpoint.
    const NAME: &'static str;
    /// Where a new effect begins.
    const START: Start = Start::Registration;
    /// How failed attempts are made again.
    const RETRIES: Retries = Retries::DEFAULT;
    /// The name of what it depends on outside, as in [`Effect`](crate::Effect::DEPENDENCY).
    const DEPENDENCY: Option<&'static str> = None;
    /// How large a batch may be, and how long its first event waits for it.
    const SIZE: BatchSize = BatchSize::DEFAULT;
    /// How long one batch may take. It is cut off then, as if it had ended with
    /// [`BatchOutcome::Away`]; what it has done by then is done again.
    const TIME_LIMIT: Duration = TIME_LIMIT;
    /// The events it reads.
    type When: EventSet;

    /// Whether there is anything to do for `event`. If not, it is behind us at once.
    fn concerns(&self, _event: &Recorded<Self::When>) -> bool {
        true
    }

    /// Handles `batch`.
    fn run(&self, batch: &Batch<Self::When>) -> impl Future<Output = BatchOutcome> + Send;
}

#[cfg(test)]
mod tests;
