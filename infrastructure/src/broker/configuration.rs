//! The server's folder: its lock, its configuration file and its logs.
//! Not here: the process.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{BrokerError, BrokerOptions, POLL, io_error, orphan};

/// A lock that we gave back lives on in a process that we are just starting, from its fork to its
/// exec; a neighbour's lives longer than this.
const LOCK_LIMIT: Duration = Duration::from_secs(2);
/// As much of a log as tells why a server did not start.
const LOG_TAIL_BYTES_MAX: usize = 2048;

/// A folder that is ours alone as long as the lock is held.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) lock: File,
}

impl Folder {
    /// Locks the folder, ends what an earlier run left there, and writes the configuration.
    pub(super) fn prepare(options: &BrokerOptions) -> Result<Self, BrokerError> {
        let folder = Self::take(&options.data)?;
        folder.remove_old_ports()?;
        let text = folder.render(options)?;
        fs::write(folder.configuration(), text)
            .map_err(io_error("write the server's configuration"))?;
        // A server that cannot say on which port it listens would be waited for in vain.
        tempfile::tempfile_in(&folder.path)
            .map_err(io_error(format!("make files in {}", folder.path.display())))?;
        Ok(folder)
    }

    /// Locks the folder, and ends what an earlier run left there.
    pub(super) fn take(data: &Path) -> Result<Self, BrokerError> {
        let path = data.join("nats");
        let folder = || format!("prepare {}", path.display());
        fs::create_dir_all(&path).map_err(io_error(folder()))?;
        let path = path.canonicalize().map_err(io_error(folder()))?;
        let lock = File::create(path.join("lock")).map_err(io_error(folder()))?;
        let deadline = Instant::now() + LOCK_LIMIT;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => return Err(BrokerError::InUse(path)),
                Err(TryLockError::Error(source)) => return Err(io_error(folder())(source)),
            }
        }
        let folder = Self { path, lock };
        orphan::end(&folder.arguments())?;
        Ok(folder)
    }

    /// The server's command line. It is also how an orphan is known.
    pub(super) fn arguments(&self) -> [OsString; 4] {
        let configuration = self.configuration().into_os_string();
        ["-c".into(), configuration, "--ports_file_dir".into(), self.path.clone().into_os_string()]
    }

    fn configuration(&self) -> PathBuf {
        self.path.join("server.conf")
    }

    /// What the server says before it opens its log, such as a mistake in its configuration.
    pub(super) fn early_log(&self) -> Result<File, BrokerError> {
        File::create(self.path.join("early.log")).map_err(io_error("open the server's log"))
    }

    /// The end of both logs.
    pub(super) async fn log_tail(&self) -> String {
        let mut text = String::new();
        for name in ["early.log", "nats-server.log"] {
            if let Ok(log) = tokio::fs::read(self.path.join(name)).await {
                let tail = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
                text.push_str(&String::from_utf8_lossy(log.get(tail..).unwrap_or_default()));
            }
        }
        text.trim().to_owned()
    }

    /// A killed server leaves its ports file, and process ids come round again.
    fn remove_old_ports(&self) -> Result<(), BrokerError> {
        let what = || io_error("remove old ports files");
        for entry in fs::read_dir(&self.path).map_err(what())? {
            let path = entry.map_err(what())?.path();
            if path.extension().is_some_and(|extension| extension == "ports") {
                fs::remove_file(path).map_err(what())?;
            }
        }
        Ok(())
    }

    fn render(&self, options: &BrokerOptions) -> Result<String, BrokerError> {
        let port = options.port.map_or_else(|| "-1".to_owned(), |port| port.to_string());
        let file = |name: &str| quoted_path(&self.path.join(name));
        let text = nats::server::DEV
            .replace("{{name}}", &quoted(&options.name))
            .replace("{{listen}}", &quoted(&format!("127.0.0.1:{port}")))
            .replace("{{monitoring}}", &quoted("127.0.0.1:-1"))
            .replace("{{pid_file}}", &file("nats-server.pid")?)
            .replace("{{log_file}}", &file("nats-server.log")?)
            .replace("{{store}}", &quoted_path(&self.path)?)
            .replace("{{sync}}", &quoted(if options.sync_always { "always" } else { "2m" }));
        let Some(more) = &options.config else { return Ok(text) };
        let more = fs::read_to_string(more)
            .map_err(io_error(format!("read the configuration {}", more.display())))?;
        Ok(format!("{text}\n{more}"))
    }
}

fn quoted_path(path: &Path) -> Result<String, BrokerError> {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(quoted(text)),
        _ => Err(BrokerError::Path(path.to_owned())),
    }
}

/// A string of the server's configuration language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
