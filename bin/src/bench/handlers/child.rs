//! A worker as its parent sees it: what it says, and what it uses of the machine.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{self, Instant, Interval},
};

use super::worker::{Job, Said, Task};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Longest silence before a measurement is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Ticks in a second, in which Linux counts a process's time for everyone.
const TICKS: f64 = 100.0;

/// Memory of a process over time.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Memory {
    /// The most that was resident.
    pub(super) max_mib: f64,
    /// The mean of the second quarter of the time: after warming up.
    pub(super) early_mib: f64,
    /// The mean of the last quarter.
    pub(super) late_mib: f64,
}

/// A running worker. It ends when this is dropped.
pub(super) struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    look: Interval,
    /// Resident bytes at each look.
    resident: Vec<f64>,
}

impl Worker {
    /// Starts a worker and returns once it is ready.
    pub(super) async fn start(url: &str, job: Job) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "handlers", "--worker"]).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().context("a worker has no standard output")?;
        let mut task = serde_json::to_vec(&Task { url: url.to_owned(), job })?;
        task.push(b'\n');
        child.stdin.as_mut().context("a worker has no standard input")?.write_all(&task).await?;
        let lines = BufReader::new(said).lines();
        let look = time::interval(LOOK);
        let mut worker = Self { child, lines, look, resident: Vec::new() };
        match worker.next().await? {
            Said::Ready => Ok(worker),
            said => bail!("a worker began with {said:?}"),
        }
    }

    /// The next thing that the worker says; its memory is looked at meanwhile.
    pub(super) async fn next(&mut self) -> Result<Said> {
        let silent = Instant::now() + SILENCE_MAX;
        loop {
            tokio::select! {
                line = self.lines.next_line() => {
                    let line = line?.context("a worker ended before it was done")?;
                    return Ok(serde_json::from_str(&line)?);
                }
                _ = self.look.tick() => self.resident.extend(resident(self.child.id())),
                () = time::sleep_until(silent) => bail!("a worker has said nothing for too long"),
            }
        }
    }

    /// How long it took to reach the end and how much was handled, telling how far it is.
    pub(super) async fn done(&mut self, mut tell: impl FnMut(u64)) -> Result<(f64, u64)> {
        loop {
            match self.next().await? {
                Said::At(position) => tell(position),
                Said::Done { seconds, handled } => return Ok((seconds, handled)),
                said => bail!("a worker said {said:?}"),
            }
        }
    }

    /// Memory from its start on.
    pub(super) fn memory(&self) -> Memory {
        let quarter = self.resident.len() / 4;
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let max = self.resident.iter().copied().fold(0.0, f64::max);
        let early = mean(self.resident.get(quarter..2 * quarter).unwrap_or_default());
        let late = mean(self.resident.get(3 * quarter..).unwrap_or_default());
        let mib = |bytes: f64| bytes / (1024.0 * 1024.0);
        Memory { max_mib: mib(max), early_mib: mib(early), late_mib: mib(late) }
    }

    /// Forgets what memory was like until now.
    pub(super) fn warmed_up(&mut self) {
        self.resident.clear();
    }

    /// Seconds of the processors that it has used.
    pub(super) fn cpu(&self) -> f64 {
        cpu(self.child.id()).unwrap_or(f64::NAN)
    }

    /// Asks it to end; what it says until then.
    pub(super) async fn end(mut self) -> Result<Vec<Said>> {
        drop(self.child.stdin.take());
        let mut said = Vec::new();
        while let Some(line) = self.lines.next_line().await? {
            said.push(serde_json::from_str(&line)?);
        }
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("a worker ended badly: {status}");
        }
        Ok(said)
    }
}

fn resident(process: Option<u32>) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn cpu(process: Option<u32>) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process?)).ok()?;
    // Behind the name, which may hold spaces: time in user mode and in the kernel.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: [f64; 2] = [fields.next()?.parse().ok()?, fields.next()?.parse().ok()?];
    Some((ticks[0] + ticks[1]) / TICKS)
}
