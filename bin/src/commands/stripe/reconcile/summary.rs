//! What is said about events and payments, one by one and in the end.
//! Not here: finding it out.

use anyhow::Result;
use indicatif::ProgressBar;
use infrastructure::problem::Problem;
use serde::Serialize;
use serde_json::json;

use super::{events::Found, intents::Compared};
use crate::output::{Output, clean};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Events that Stripe has.
    seen: u64,
    /// Those that the inbox did not have.
    new: u64,
    /// Those that it had.
    known: u64,
    /// Those of them that did not fit and were set aside.
    set_aside: u64,
    /// Those that could not be taken in.
    failed: u64,
    /// Payments of Stripe's that are open here.
    intents: Intents,
    dry_run: bool,
}

#[derive(Debug, Default, Serialize)]
struct Intents {
    /// Those that were asked for.
    seen: u64,
    /// Those of which Stripe knew more.
    recorded: u64,
    /// Those that Stripe does not know.
    unknown: u64,
    /// Those that could not be asked for, or recorded.
    failed: u64,
}

impl Summary {
    /// How many could not be taken in.
    pub(super) const fn failures(&self) -> u64 {
        self.failed + self.intents.failed
    }

    /// The summary for people.
    pub(super) fn words(&self) -> String {
        let Self { seen, new, known, set_aside, failed, intents, dry_run } = self;
        let would = if *dry_run { "would be " } else { "" };
        let events = format!(
            "{seen} events: {new} new, {would}put into the inbox; {known} known, {set_aside} of them \
             set aside; {failed} failed"
        );
        let Intents { seen, recorded, unknown, failed } = intents;
        format!(
            "{events}\n{seen} open payments: {recorded} went on at Stripe, {would}recorded; {unknown} \
             unknown to Stripe; {failed} failed"
        )
    }
}

/// Says and counts what is found.
pub(super) struct Notes {
    output: Output,
    bar: ProgressBar,
    summary: Summary,
}

impl Notes {
    pub(super) fn new(output: Output, bar: ProgressBar, dry_run: bool) -> Self {
        Self { output, bar, summary: Summary { dry_run, ..Summary::default() } }
    }

    /// Whether nothing is to be changed.
    pub(super) const fn is_dry(&self) -> bool {
        self.summary.dry_run
    }

    /// The summary, once everything is noted.
    pub(super) fn end(self) -> Summary {
        self.bar.finish_and_clear();
        self.summary
    }

    /// What the inbox has of the event `id`.
    pub(super) fn event(&mut self, id: &str, outcome: Result<Found, Problem>) -> Result<()> {
        let summary = &mut self.summary;
        summary.seen += 1;
        let (count, what, problem) = match outcome {
            Ok(Found::New(_)) => (&mut summary.new, Some("new"), None),
            Ok(Found::Known) => (&mut summary.known, None, None),
            Ok(Found::SetAside) => {
                summary.set_aside += 1;
                (&mut summary.known, Some("set-aside"), None)
            }
            Err(problem) => (&mut summary.failed, Some("failed"), Some(problem)),
        };
        *count += 1;
        self.tick();
        what.map_or(Ok(()), |what| self.say(("event", id), what, problem.as_ref()))
    }

    /// What Stripe says of the payment `id`.
    pub(super) fn intent(&mut self, id: &str, outcome: Result<Compared, Problem>) -> Result<()> {
        let intents = &mut self.summary.intents;
        intents.seen += 1;
        let (count, what, problem) = match outcome {
            Ok(Compared::Same) => (None, None, None),
            Ok(Compared::WentOn) => (Some(&mut intents.recorded), Some("recorded"), None),
            Ok(Compared::Unknown) => (Some(&mut intents.unknown), Some("unknown"), None),
            Err(problem) => (Some(&mut intents.failed), Some("failed"), Some(problem)),
        };
        if let Some(count) = count {
            *count += 1;
        }
        self.tick();
        what.map_or(Ok(()), |what| self.say(("intent", id), what, problem.as_ref()))
    }

    fn tick(&self) {
        let Summary { seen, new, intents, .. } = &self.summary;
        let payments = intents.seen;
        self.bar.set_message(format!("{seen} events, {new} new; {payments} open payments"));
        self.bar.tick();
    }

    fn say(&self, (kind, id): (&str, &str), what: &str, problem: Option<&Problem>) -> Result<()> {
        let line = json!({kind: id, "status": what, "problem": problem});
        let words = || match problem {
            Some(problem) => format!("{what} {}: {}: {}", clean(id), problem.code, problem.detail),
            None => format!("{what} {}", clean(id)),
        };
        // The bar would otherwise be drawn through the line.
        self.bar.suspend(|| self.output.write(&line, words))
    }
}
