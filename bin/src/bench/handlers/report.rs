//! The figures of handlers for people and for machines.

use std::io::{self, Write as _};

use anyhow::Result;
use serde::Serialize;

use super::{
    behind::{Behind, Spread},
    catch_up::{PEOPLE, Pair, Plan, Round},
    child::Memory,
    lag::{Lag, RATE, REST_MAX},
};
use crate::bench::{
    machine::Machine,
    report::{Ratio, median},
};

/// Least gain over single-row inserts.
const SQLITE_MIN: f64 = 3.0;
const POSTGRES_MIN: f64 = 5.0;
/// Least share of what a consumer that does nothing reads.
const NOTHING_MIN: f64 = 0.6;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    events: u64,
    people: usize,
    rounds: usize,
    catch_up: Vec<Row>,
    lag: Option<Lag>,
}

#[derive(Debug, Serialize)]
struct Row {
    figure: &'static str,
    limit: &'static str,
    limit_per_second: f64,
    /// Where each insert is a transaction of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    alone_per_second: Option<f64>,
    per_second: f64,
    cpu_us: f64,
    ratio: Ratio,
    memory: Memory,
}

impl Row {
    fn new(
        (figure, limit, target): (&'static str, &'static str, f64),
        rounds: &[Round],
        of: impl Fn(&Round) -> Option<Pair>,
    ) -> Option<Self> {
        let pairs: Vec<_> = rounds.iter().filter_map(of).collect();
        let middle = |value: fn(&Pair) -> f64| median(pairs.iter().map(value).collect());
        // Of the round whose process grew largest.
        let largest = pairs.iter().max_by(|a, b| a.memory.max_mib.total_cmp(&b.memory.max_mib))?;
        Some(Self {
            figure,
            limit,
            limit_per_second: middle(|pair| pair.limit),
            alone_per_second: pairs
                .iter()
                .map(|pair| pair.alone)
                .collect::<Option<Vec<_>>>()
                .map(median),
            per_second: middle(|pair| pair.ours),
            cpu_us: middle(|pair| pair.cpu_us),
            ratio: Ratio::new(&pairs, target, |pair| Some(pair.ours / pair.limit)),
            memory: largest.memory,
        })
    }
}

impl Report {
    pub(super) fn new(machine: Machine, plan: &Plan, rounds: &[Round], lag: Option<Lag>) -> Self {
        let inserts = "single-row inserts";
        let rows = [
            Row::new(("projection, SQLite", inserts, SQLITE_MIN), rounds, |it| Some(it.sqlite)),
            Row::new(("projection, PostgreSQL", inserts, POSTGRES_MIN), rounds, |it| it.postgres),
            Row::new(
                ("policy that answers nothing", "ordered consumer", NOTHING_MIN),
                rounds,
                |it| Some(it.nothing),
            ),
        ];
        let catch_up = rows.into_iter().flatten().collect();
        let (events, rounds) = (plan.events, rounds.len());
        Self { machine, events, people: PEOPLE, rounds, catch_up, lag }
    }

    pub(super) fn print(&self, json: bool) -> Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
            return Ok(());
        }
        let Self { machine, events, people, rounds, catch_up, lag } = self;
        writeln!(out, "{machine}")?;
        writeln!(
            out,
            "\ncatching up with {events} events of {people} people, medians of {rounds} rounds"
        )?;
        writeln!(
            out,
            "{:30}{:>12}{:>12}{:>9}{:>12}",
            "", "limit/s", "events/s", "ratio", "CPU/event"
        )?;
        for row in catch_up {
            let Row { figure, limit_per_second, per_second, cpu_us, ratio, .. } = row;
            let Ratio { ratio, target, met } = ratio;
            let verdict = if *met { "met" } else { "MISSED" };
            writeln!(
                out,
                "{figure:30}{limit_per_second:>12.0}{per_second:>12.0}{ratio:>9.2}{cpu_us:>9.1} us   \
                 target {target:.1} {verdict}"
            )?;
            if let Some(alone) = row.alone_per_second {
                let label = "  each its own transaction";
                writeln!(out, "{label:30}{alone:>11.0}{:>21.2}", per_second / alone)?;
            }
        }
        if let Some(lag) = lag {
            print_lag(&mut out, lag)?;
        }
        writeln!(out, "\n{:30}{:>9}{:>12}{:>12}", "memory", "early", "late", "max")?;
        let handlers = lag.as_ref().map(|lag| ("all handlers under load", &lag.memory));
        let memories = catch_up.iter().map(|row| (row.figure, &row.memory)).chain(handlers);
        for (label, Memory { early_mib, late_mib, max_mib }) in memories {
            writeln!(out, "{label:30}{early_mib:>9.0}{late_mib:>12.0}{max_mib:>12.0} MiB")?;
        }
        Ok(())
    }
}

fn print_lag(out: &mut impl io::Write, lag: &Lag) -> Result<()> {
    let Lag { seconds, per_second, refused, unhandled, processors, .. } = lag;
    writeln!(out, "\n{RATE} commands a second for {seconds:.0} s, all handlers")?;
    writeln!(out, "{:30}{:>9}{:>12}{:>12}", "", "p50", "p99", "max")?;
    let mut line = |label: &str, spread: &Spread, unit: &str| {
        let Spread { p50, p99, max } = spread;
        writeln!(out, "{label:30}{p50:>9.1}{p99:>12.1}{max:>12.1} {unit}")
    };
    line("answers", &lag.answers_ms, "ms")?;
    for (kind, Behind { ms, commits }) in
        [("projections", &lag.projections), ("policies", &lag.policies)]
    {
        line(&format!("{kind} behind"), ms, "ms")?;
        line("", commits, "commits")?;
    }
    writeln!(
        out,
        "{per_second:.0} a second were committed, {refused} were refused or came too late; the handlers took \
         {processors:.2} processors"
    )?;
    if *unhandled > 0 {
        writeln!(out, "{unhandled} were still not handled by all {} s later", REST_MAX.as_secs())?;
    }
    Ok(())
}
