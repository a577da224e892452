//! A nats-server of our own: found or installed, run as a supervised child, ended for sure.
//! Not here: connecting to it, and what is stored on it.

mod configuration;
mod install;
mod orphan;

use std::{
    ffi::OsString,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::server_version::ServerVersion;
use configuration::Folder;
pub use install::find_or_install;

/// A large store is read back before the first connection is taken.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// A server that is still writing after this long is ended by force; the log survives that.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often a process is looked at while it starts or ends.
const POLL: Duration = Duration::from_millis(20);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The binary that was asked for does not run, or is not a nats-server.
    #[error("{} is not a nats-server that runs here: {reason}", binary.display())]
    Unusable {
        /// The binary.
        binary: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The binary that was asked for is too old.
    #[error("{} is nats-server {found}; at least {} is needed", binary.display(), ServerVersion::MIN)]
    TooOld {
        /// The binary.
        binary: PathBuf,
        /// Its version.
        found: ServerVersion,
    },
    /// None was found, and installing one failed.
    #[error("no nats-server was found and installing one failed: {0}. Put nats-server {min} or newer on PATH, or name it in HEADWATER_NATS_SERVER", min = ServerVersion::MIN)]
    Install(String),
    /// Another live process runs a server on this folder.
    #[error("another process runs a server on {}; end it or choose another folder", .0.display())]
    InUse(PathBuf),
    /// An orphan of an earlier run cannot be ended.
    #[error("process {0} of an earlier run still uses the folder and cannot be ended")]
    Orphan(i32),
    /// The server ended while starting.
    #[error("nats-server ended while starting ({status}): {log}")]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The server took too long to start.
    #[error("nats-server was not ready after {} s: {log}", READY_LIMIT.as_secs())]
    NotReady {
        /// The end of its log.
        log: String,
    },
    /// The folder's path cannot be written into a configuration file.
    #[error("{} cannot be written into a configuration file", .0.display())]
    Path(PathBuf),
    /// The file system or the operating system refuses.
    #[error("cannot {what}: {reason}")]
    Io {
        /// What was being done.
        what: String,
        /// The refusal.
        reason: io::Error,
    },
}

/// Names what was being done when the operating system refused.
fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> BrokerError {
    let what = what.into();
    move |reason| BrokerError::Io { what, reason }
}

/// How to run a server.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The nats-server binary.
    pub binary: PathBuf,
    /// The data folder; the server keeps to `nats` inside it.
    pub data: PathBuf,
    /// The port for clients on 127.0.0.1; without one the system chooses.
    pub port: Option<u16>,
    /// Acknowledge only what is on disk.
    pub sync_always: bool,
    /// The server's name, unique within a cluster.
    pub name: String,
    /// More configuration, appended to ours: permissions, TLS, cluster.
    pub config: Option<PathBuf>,
    /// Environment variables that `config` refers to.
    pub environment: Vec<(OsString, OsString)>,
}

impl BrokerOptions {
    /// One durable server on a free port.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            data: data.into(),
            port: None,
            sync_always: true,
            name: "headwater".to_owned(),
            config: None,
            environment: Vec::new(),
        }
    }
}

/// What the server says it listens on, in its ports file.
#[derive(Debug, Deserialize)]
struct Ports {
    nats: Vec<String>,
    #[serde(default)]
    monitoring: Vec<String>,
}

/// A running nats-server that ends with this value.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    pid: Pid,
    url: String,
    monitoring: Option<String>,
    // Held as long as the server lives: it is how a later run knows an orphan from a neighbour.
    _lock: File,
}

impl Broker {
    /// Starts a server and waits until it takes connections. A server that an earlier run left
    /// behind on this folder is ended first.
    ///
    /// # Errors
    /// When the folder is taken, or the server does not start.
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let (binary, environment) = (options.binary.clone(), options.environment.clone());
        let folder = tokio::task::spawn_blocking(move || Folder::prepare(&options))
            .await
            .map_err(|error| io_error("prepare the server's folder")(error.into()))??;
        let mut child = Command::new(&binary)
            .args(folder.arguments())
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(folder.early_log()?)
            // Ctrl-C in a terminal reaches the whole group; the service drains first.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(io_error(format!("run {}", binary.display())))?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| BrokerError::NotReady { log: "no process id".to_owned() })?;
        let ports = ready(&mut child, pid, &folder).await?;
        let url = ports.nats.into_iter().next();
        let url = url.ok_or_else(|| BrokerError::NotReady { log: "no client port".to_owned() })?;
        tracing::debug!(broker.pid = pid.as_raw_nonzero().get(), broker.url = url, "server ready");
        let monitoring = ports.monitoring.into_iter().next();
        Ok(Self { child, pid, url, monitoring, _lock: folder.lock })
    }

    /// Ends the server that an earlier run left behind on the folder `data`, if there is one.
    ///
    /// # Errors
    /// When another live process has the folder, or the server cannot be ended.
    pub async fn end_left_behind(data: PathBuf) -> Result<(), BrokerError> {
        let ended = tokio::task::spawn_blocking(move || Folder::take(&data).map(drop)).await;
        ended.map_err(|error| io_error("look at the server's folder")(error.into()))?
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The monitoring endpoint, local only.
    #[must_use]
    pub fn monitoring(&self) -> Option<&str> {
        self.monitoring.as_deref()
    }

    /// The port for clients, for a later start on the same one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.url.rsplit(':').next()?.parse().ok()
    }

    /// The server's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the server has ended by itself, which it never should.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the server by `kill -9`, without waiting for it to be gone.
    pub fn kill(&mut self) {
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "the server had ended already");
        }
    }

    /// Ends the server in good order, and by force if it takes too long.
    ///
    /// # Errors
    /// When the operating system cannot tell whether it has ended.
    pub async fn stop(mut self) -> Result<(), BrokerError> {
        // An exited child is not signalled: its id may belong to somebody else by now.
        if self.child.id().is_some()
            && let Err(error) = kill_process(self.pid, Signal::TERM)
        {
            tracing::debug!(%error, "the server had ended already");
        }
        let waited = match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(waited) => waited.map(|_| ()),
            Err(_) => self.child.kill().await,
        };
        waited.map_err(io_error("end the server"))
    }
}

/// Waits for the ports file, which the server writes once it listens.
async fn ready(child: &mut Child, pid: Pid, folder: &Folder) -> Result<Ports, BrokerError> {
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        if let Some(status) = child.try_wait().map_err(io_error("watch the server"))? {
            return Err(BrokerError::Exited { status, log: folder.log_tail().await });
        }
        if let Some(ports) = read_ports(&folder.path, pid).await {
            return Ok(ports);
        }
        if Instant::now() >= deadline {
            return Err(BrokerError::NotReady { log: folder.log_tail().await });
        }
        sleep(POLL).await;
    }
}

/// The ports file of this process, once it is there and whole.
async fn read_ports(folder: &Path, pid: Pid) -> Option<Ports> {
    let suffix = format!("_{}.ports", pid.as_raw_nonzero());
    let mut entries = tokio::fs::read_dir(folder).await.ok()?;
    while let Some(entry) = entries.next_entry().await.ok()? {
        if entry.file_name().to_string_lossy().ends_with(&suffix) {
            let text = tokio::fs::read(entry.path()).await.ok()?;
            return serde_json::from_slice(&text).ok();
        }
    }
    None
}
