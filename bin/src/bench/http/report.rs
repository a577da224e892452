//! The figures for people and for machines: medians and ratios.

use std::io::{self, Write as _};

use anyhow::Result;
use serde::Serialize;

use super::super::{
    load::Measured,
    machine::Machine,
    report::{median, micros},
};

/// What was measured with so many in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) in_flight: usize,
    pub(super) nats: Measured,
    pub(super) echo: Measured,
    pub(super) http: Measured,
}

/// The turns of one round.
pub(super) type Round = Vec<Turn>;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    machine: Machine,
    seconds: u64,
    rounds: usize,
    turns: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    in_flight: usize,
    /// A bare axum that gives back what it gets.
    echo: Row,
    /// Commands over NATS.
    nats: Row,
    /// The same commands over HTTP.
    http: Row,
    /// What there can be at most: 1 / (1 / echo + 1 / nats).
    limit_per_second: f64,
    /// Of that.
    of_the_limit: f64,
    /// Of commands over NATS.
    of_nats: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Report {
    pub(super) fn new(machine: Machine, seconds: u64, rounds: &[Round]) -> Self {
        let count = rounds.first().map_or(0, Vec::len);
        let turns = (0..count).filter_map(|at| {
            let turns: Vec<Turn> =
                rounds.iter().filter_map(|round| round.get(at).copied()).collect();
            shown(&turns)
        });
        Self { machine, seconds, rounds: rounds.len(), turns: turns.collect() }
    }

    #[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
    pub(super) fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{}\n", self.machine)?;
        for turn in &self.turns {
            let Shown { in_flight, echo, nats, http, limit_per_second, of_the_limit, of_nats } =
                turn;
            writeln!(
                out,
                "{:<36}{:>10}{:>10}{:>10}",
                format!("{in_flight} in flight"),
                "a second",
                "p50",
                "p99"
            )?;
            for (name, row) in [
                ("echo of a bare axum", echo),
                ("commands over NATS", nats),
                ("commands over HTTP", http),
            ] {
                let Row { per_second, p50_us, p99_us } = row;
                writeln!(
                    out,
                    "{name:<36}{per_second:>10.0}{:>7.2} ms{:>7.2} ms",
                    p50_us / 1e3,
                    p99_us / 1e3
                )?;
            }
            writeln!(out, "{:<36}{limit_per_second:>10.0}", "the limit")?;
            writeln!(out, "{:<36}{of_the_limit:>10.2}", "HTTP against the limit")?;
            writeln!(out, "{:<36}{of_nats:>10.2}\n", "HTTP against NATS")?;
        }
        writeln!(
            out,
            "The limit is 1 / (1 / echo + 1 / NATS); figures and ratios are medians of {} rounds.",
            self.rounds
        )?;
        Ok(())
    }
}

fn shown(turns: &[Turn]) -> Option<Shown> {
    let row = |of: fn(&Turn) -> Measured| {
        let all = |value: fn(Measured) -> f64| median(turns.iter().map(of).map(value).collect());
        Row {
            per_second: all(|it| it.rate),
            p50_us: all(|it| micros(it.p50)),
            p99_us: all(|it| micros(it.p99)),
        }
    };
    let limit = |turn: &Turn| 1.0 / (1.0 / turn.echo.rate + 1.0 / turn.nats.rate);
    let of_all = |of: &dyn Fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    Some(Shown {
        in_flight: turns.first()?.in_flight,
        echo: row(|turn| turn.echo),
        nats: row(|turn| turn.nats),
        http: row(|turn| turn.http),
        limit_per_second: of_all(&limit),
        of_the_limit: of_all(&|it| it.http.rate / limit(it)),
        of_nats: of_all(&|it| it.http.rate / it.nats.rate),
    })
}
