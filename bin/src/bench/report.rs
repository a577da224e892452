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
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Row {
    figure: Figure,
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Ratio {
    ratio: f64,
    target: f64,
    met: bool,
}

impl Ratio {
    fn new(value: f64, base: f64, target: f64) -> Self {
        let ratio = value / base;
        Self { ratio, target, met: ratio >= target }
    }
}

impl Report {
    pub(super) const fn new(machine: Machine, seconds: u64) -> Self {
        Self { machine, seconds, modes: Vec::new() }
    }

    pub(super) fn add(&mut self, sync_always: bool, rounds: &[Round]) {
        use Figure as F;
        let rate = |figure| median(rounds, figure, |measured| measured.rate);
        let limit = |echo, publish| 1.0 / (1.0 / rate(echo) + 1.0 / rate(publish));
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let row = |figure| Row {
            figure,
            per_second: rate(figure),
            p50_us: median(rounds, figure, |measured| micros(measured.p50)),
            p99_us: median(rounds, figure, |measured| micros(measured.p99)),
        };
        let figures =
            rounds.first().into_iter().flatten().map(|(figure, _)| row(*figure)).collect();
        let one = Ratio::new(rate(F::CommandsOne), limit(F::EchoOne, F::PublishOne), ONE_MIN);
        let spread_limit = limit(F::EchoSpread, F::PublishSpread);
        self.modes.push(Mode {
            sync: if sync_always { "always" } else { "default" },
            rounds: rounds.len(),
            figures,
            one,
            spread: Ratio::new(rate(F::CommandsSpread), spread_limit, SPREAD_MIN),
            hot: Ratio::new(rate(F::HotCoalesced), rate(F::HotSingle), HOT_MIN),
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
            let Mode { sync, rounds, figures, one, spread, hot } = mode;
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
        }
        writeln!(out, "\nThe limit is 1 / (1 / echo + 1 / publish), measured in the same rounds.")?;
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
        Figure::CommandsSpread => {
            format!("commands, {SPREAD} aggregates, {SPREAD_IN_FLIGHT} in flight")
        }
        Figure::HotCoalesced => format!("commands, one aggregate, {HOT_IN_FLIGHT} in flight"),
        Figure::HotSingle => "the same, one event a commit".to_owned(),
    }
}

fn median(rounds: &[Round], figure: Figure, value: impl Fn(&Measured) -> f64) -> f64 {
    let of = |round: &Round| {
        round.iter().find(|(each, _)| *each == figure).map(|(_, measured)| value(measured))
    };
    let mut values: Vec<f64> = rounds.iter().filter_map(of).collect();
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
