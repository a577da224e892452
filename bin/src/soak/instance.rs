//! One instance of the service as a process: started, killed, stopped by the clock, made to go on.
//! Not here: when.

use std::{
    env,
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use infrastructure::fail_points;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long an instance may take until it is ready: others may hold what it waits for.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long an instance that was asked to stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// How to start an instance.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Where its log is kept.
    pub(super) log: PathBuf,
}

/// A running instance, killed when it is dropped.
#[derive(Debug)]
pub(super) struct Instance {
    settings: Settings,
    child: Child,
}

impl Instance {
    /// Starts one, and waits until it is ready or has come to `place`, where it ends.
    pub(super) async fn start(settings: Settings, place: Option<&str>) -> Result<Self> {
        let child = spawn(&settings, place)?;
        let mut instance = Self { settings, child };
        instance.ready(place.is_some()).await?;
        Ok(instance)
    }

    /// Starts it again, after ending it by force if it still runs.
    pub(super) async fn restart(&mut self, place: Option<&str>) -> Result<()> {
        self.kill().await?;
        self.child = spawn(&self.settings, place)?;
        self.ready(place.is_some()).await
    }

    async fn ready(&mut self, may_end: bool) -> Result<()> {
        let output = self.child.stdout.take().context("an instance has no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let log = self.settings.log.display();
        match timeout(READY_LIMIT, lines.next_line()).await {
            Ok(Ok(Some(_))) => Ok(()),
            Ok(_) if may_end => Ok(()),
            Ok(_) => bail!("an instance ended before it was ready; its log is {log}"),
            Err(_) => bail!("an instance was not ready in time; its log is {log}"),
        }
    }

    /// Ends it by `kill -9`.
    pub(super) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Whether it ends by itself within `limit`.
    pub(super) async fn ends_within(&mut self, limit: Duration) -> bool {
        timeout(limit, self.child.wait()).await.is_ok()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops its clock, or lets it go on.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.context("an instance has ended by itself")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Whether its clock stands, as the kernel says.
    pub(super) fn stands(&self) -> bool {
        let stat = self.child.id().and_then(|id| stat(Path::new("/proc"), id));
        stat.is_some_and(|state| state == 'T')
    }

    /// Asks it to stop in good order; an error if it does not, or ends badly.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let log = self.settings.log.display();
        match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => bail!("an instance ended badly when it was asked to stop; its log is {log}"),
            Err(_) => bail!("an instance did not stop; its log is {log}"),
        }
    }
}

/// The state of a process: the word behind its name, which may hold anything but `)`.
fn stat(proc: &Path, id: u32) -> Option<char> {
    let stat = std::fs::read_to_string(proc.join(id.to_string()).join("stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

fn spawn(settings: &Settings, place: Option<&str>) -> Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(&settings.log)?;
    let mut command = Command::new(&settings.program);
    // What the surroundings say is about another service.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["HEADWATER_", "OTEL_", "SMTP_"].iter().any(|start| text.starts_with(start));
        if ours || text == "DATABASE_URL" || text == "FROM_EMAIL" {
            command.env_remove(&name);
        }
    }
    if let Some(place) = place {
        command.env(fail_points::VARIABLE, place);
    }
    command
        .args(&settings.arguments)
        .env("HEADWATER_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {}", settings.program.display()))
}
