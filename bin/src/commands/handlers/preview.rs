//! What delivering a stretch of the log again would lead to: replayed, counted, and some of it shown.
//! Not here: asking for it.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use async_nats::Client;
use infrastructure::{
    composition::Composition,
    deadletter::{Cursor, DeadLetters},
    problem::Problem,
    replay::{Bound, Planned, Promise, Rehearsed, Replay, Replayed, Scope, Selection},
};
use kit::{AggregateId, Position};
use serde::Serialize;

use crate::{commands::replay, signals::Stop};

/// Findings that are shown.
const SAMPLE: usize = 10;

/// What it would lead to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Preview {
    /// Commits that the handler reads.
    pub(super) commits: u64,
    /// Events in them.
    pub(super) events: u64,
    /// Commands that a policy would send.
    pub(super) commands: u64,
    /// Timers that it would set, move or cancel.
    pub(super) timers: u64,
    /// Events for which an effect that acts at least once would be run.
    pub(super) runs: u64,
    /// Events for which an effect that acts at most once would be run.
    pub(super) runs_once: u64,
    /// Events that were discarded.
    pub(super) discarded: u64,
    /// Events at which the handler would fail.
    pub(super) failures: u64,
    /// Keys that stand still.
    pub(super) parked: usize,
    /// Events that would go on waiting behind them, of those that there is something to do about.
    pub(super) waiting: u64,
    /// Some of what would be done.
    pub(super) sample: Vec<Replayed>,
}

/// Where keys stand still.
type Heads = HashMap<(String, AggregateId), Cursor>;

impl Preview {
    /// Of everything from `from` to `to`. Nothing is sent.
    pub(super) async fn of(
        (client, composition): (&Client, &Composition),
        handler: &str,
        (from, to): (Position, Position),
    ) -> Result<Self> {
        let letters = DeadLetters::open(client).await;
        let letters = letters.map_err(|error| Problem::unavailable(error.to_string()))?;
        let parked = letters.list(Some(handler)).await;
        let parked = parked.map_err(|error| Problem::unavailable(error.to_string()))?;
        let head = |letter: infrastructure::deadletter::DeadLetter| {
            ((letter.key.aggregate, letter.key.id), letter.at)
        };
        let heads: Heads = parked.into_iter().map(head).collect();
        let bound = |position| Some(Bound::Position(position));
        let selection = Selection { from: bound(from), to: bound(to), ..Selection::default() };
        let scope = Scope::fix(client, composition, handler, selection).await?;
        let mut replay = Replay::start(client, composition, scope, Position::ZERO).await?;
        let mut preview = Self { parked: heads.len(), ..Self::default() };
        let mut stop = Stop::listen()?;
        loop {
            let passed = tokio::select! {
                biased;
                () = stop.asked() => return Err(anyhow!("interrupted: nothing has been done")),
                passed = replay.next() => passed,
            };
            let Some(passed) = passed else { return Ok(preview) };
            let commit = passed.events > 0 || !passed.replayed.is_empty();
            preview.commits += u64::from(commit);
            preview.events += passed.events as u64;
            for replayed in passed.replayed {
                preview.take(replayed, &heads);
            }
        }
    }

    fn take(&mut self, replayed: Replayed, heads: &Heads) {
        let head = heads.get(&(replayed.aggregate.clone(), replayed.id.clone()));
        if head.is_some_and(|head| replayed.cursor >= *head) {
            self.waiting += 1;
            return;
        }
        match &replayed.outcome {
            Rehearsed::Reacted { reactions } => {
                let sent = reactions.iter().filter(|it| matches!(it, Planned::Send(_))).count();
                self.commands += sent as u64;
                self.timers += (reactions.len() - sent) as u64;
            }
            Rehearsed::Run { promise: Promise::AtLeastOnce } => self.runs += 1,
            Rehearsed::Run { promise: Promise::AtMostOnce } => self.runs_once += 1,
            Rehearsed::Discarded => self.discarded += 1,
            Rehearsed::Failed { .. } => self.failures += 1,
        }
        if self.sample.len() < SAMPLE {
            self.sample.push(replayed);
        }
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { commands, timers, runs, runs_once, discarded, failures, waiting, .. } = *self;
        let counts = [
            (
                commands,
                "commands would be sent again: what was carried out is answered `replayed`, what \
                 changed nothing is decided anew",
            ),
            (timers, "timers would be set or cancelled again, unless later ones stand"),
            (runs, "times it would act outside again, unless its intent is refused by now"),
            (runs_once, "times it would be run, unless it was begun before"),
            (discarded, "events stay discarded"),
            (failures, "events would fail, and be parked"),
            (waiting, "events go on waiting behind dead letters"),
        ];
        let told = counts.into_iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, what)| format!("  {count} {what}"));
        let parked = (self.parked > 0).then(|| {
            format!(
                "  keys that stand still: {}; what is before their dead letters is delivered",
                self.parked
            )
        });
        let more = self.sample.iter().map(|it| format!("  {}", replay::line(it)));
        told.chain(parked).chain(more).collect()
    }
}
