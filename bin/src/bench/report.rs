//! The figures for people and for machines: medians, ratios, targets.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use anyhow::Result;
use serde::Serialize;

use super::{
    load::Measured,
    machine::Machine,
    measure::{Figure, HOT_IN_FLIGHT, Round, SPREAD_IN_FLIGHT},
    work::SPREAD,
};

/// Least share of the limit with one command in flight.
const ONE_MIN: f64 = 0.8;
/// Least share of the limit over many aggregates.
const SPREAD_MIN: f64 = 0.6;
/// How many times faster one aggregate must be when commands are decided together.
const HOT_MIN: f64 = 4.0;

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    seconds: u64,
    modes: Vec<Mode>,
}

#[derive(Debug, Serialize)]
struct Mode {
    sync: &'static str,
    rounds: usize,
    figures: Vec<Row>,
    /// Of the limit, with one command in flight.
    one: Ratio,
    /// Of the limit, over many aggregates.
    spread: Ratio,
    /// Of one event a commit, on one aggregate.
    hot: Ratio,
    /// Of appends without the envelope: what it leaves of the stream's own throughput.
    envelope: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Row {
    figure: Figure,
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// A ratio, and what it should be at least.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Ratio {
    pub(super) ratio: f64,
    pub(super) target: f64,
    pub(super) met: bool,
}

impl Ratio {
    /// The median of the rounds' own ratios: what slows one round slows all of it.
    pub(super) fn new<R>(rounds: &[R], target: f64, of: impl Fn(&R) -> Option<f64>) -> Self {
        let ratio = median(rounds.iter().filter_map(of).collect());
        Self { ratio, target, met: ratio >= target }
    }
}

impl Report {
    pub(super) const fn new(machine: Machine, seconds: u64) -> Self {
        Self { machine, seconds, modes: Vec::new() }
    }

    pub(super) fn add(&mut self, sync_always: bool, rounds: &[Round]) {
        use Figure as F;
        let row = |figure| {
            let all = |value: fn(&Measured) -> f64| {
                median(rounds.iter().filter_map(|round| find(round, figure)).map(value).collect())
            };
            Row {
                figure,
                per_second: all(|measured| measured.rate),
                p50_us: all(|measured| micros(measured.p50)),
                p99_us: all(|measured| micros(measured.p99)),
            }
        };
        let of_limit = |commands, echo, publish| {
            move |round: &Round| {
                let rate = |figure| find(round, figure).map(|measured| measured.rate);
                Some(rate(commands)? * (1.0 / rate(echo)? + 1.0 / rate(publish)?))
            }
        };
        let hot = |round: &Round| {
            Some(find(round, F::HotCoalesced)?.rate / find(round, F::HotSingle)?.rate)
        };
        let envelope = |round: &Round| {
            Some(find(round, F::EnvelopeSpread)?.rate / find(round, F::PublishSpread)?.rate)
        };
        let one = of_limit(F::CommandsOne, F::EchoOne, F::PublishOne);
        let spread = of_limit(F::CommandsSpread, F::EchoSpread, F::PublishSpread);
        self.modes.push(Mode {
            sync: if sync_always { "always" } else { "default" },
            rounds: rounds.len(),
            figures: rounds.first().into_iter().flatten().map(|(figure, _)| row(*figure)).collect(),
            one: Ratio::new(rounds, ONE_MIN, one),
            spread: Ratio::new(rounds, SPREAD_MIN, spread),
            hot: Ratio::new(rounds, HOT_MIN, hot),
            envelope: median(rounds.iter().filter_map(envelope).collect()),
        });
    }

    pub(super) fn print(&self, json: bool) -> Result<()> {
        progress("");
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            return Ok(());
        }
        writeln!(out, "{}", self.machine)?;
        for mode in &self.modes {
            let Mode { sync, rounds, figures, one, spread, hot, envelope } = mode;
            writeln!(out, "\nsync {sync}, medians of {rounds} rounds of {} s", self.seconds)?;
            writeln!(out, "{:44}{:>10}{:>12}{:>12}", "", "per second", "p50", "p99")?;
            for row in figures {
                let Row { per_second, p50_us, p99_us, .. } = row;
                let label = label(row.figure);
                writeln!(out, "{label:44}{per_second:>10.0}{p50_us:>9.0} us{p99_us:>9.0} us")?;
            }
            let one_limit = "commands, 1 in flight, of the limit".to_owned();
            let spread_limit = format!("commands, {SPREAD_IN_FLIGHT} in flight, of the limit");
            let hot_gain = "one aggregate, together against alone".to_owned();
            for (label, ratio) in [(one_limit, one), (spread_limit, spread), (hot_gain, hot)] {
                let Ratio { ratio, target, met } = ratio;
                let verdict = if *met { "met" } else { "MISSED" };
                writeln!(out, "{label:44}{ratio:>10.2}   target {target:.1} {verdict}")?;
            }
            writeln!(out, "{:44}{envelope:>10.2}", "publish, in the envelope against bare")?;
        }
        writeln!(
            out,
            "\nThe limit is 1 / (1 / echo + 1 / publish); each ratio is the median of the rounds' own."
        )?;
        Ok(())
    }
}

fn label(figure: Figure) -> String {
    match figure {
        Figure::EchoOne => "echo, 1 in flight".to_owned(),
        Figure::PublishOne => "publish, 1 in flight".to_owned(),
        Figure::CommandsOne => format!("commands, {SPREAD} aggregates, 1 in flight"),
        Figure::EchoSpread => format!("echo, {SPREAD_IN_FLIGHT} in flight"),
        Figure::PublishSpread => format!("publish, {SPREAD_IN_FLIGHT} in flight"),
        Figure::EnvelopeSpread => "the same, each in a commit's envelope".to_owned(),
        Figure::CommandsSpread => {
            format!("commands, {SPREAD} aggregates, {SPREAD_IN_FLIGHT} in flight")
        }
        Figure::HotCoalesced => format!("commands, one aggregate, {HOT_IN_FLIGHT} in flight"),
        Figure::HotSingle => "the same, one event a commit".to_owned(),
    }
}

fn find(round: &Round, figure: Figure) -> Option<&Measured> {
    round.iter().find(|(each, _)| *each == figure).map(|(_, measured)| measured)
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// One line on standard error that the next one replaces; nothing where nobody watches.
pub(super) fn progress(line: &str) {
    let mut out = io::stderr().lock();
    if out.is_terminal() {
        // A terminal that went away is no reason to stop measuring.
        let _ = write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush());
    }
}
