//! The built binary as a process of its own, to be killed, paused and stopped.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::LIMIT;

/// One running instance of `headwater serve`; killed when this value is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    greeting: String,
    arguments: Vec<String>,
    binary: PathBuf,
    folder: TempDir,
}

impl Service {
    /// Starts `binary serve` on the broker at `url`, with `more` arguments, and waits until it is
    /// ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(binary: impl AsRef<Path>, url: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret.key");
        std::fs::write(&secret, [7; 32]).expect("the secret is written");
        let mut arguments: Vec<String> = ["serve", "--nats", url].map(str::to_owned).to_vec();
        for (flag, path) in [("--secret-file", &secret), ("--store", &folder.path().join("db"))] {
            if more.contains(&flag) {
                continue;
            }
            arguments.extend([flag.to_owned(), path.display().to_string()]);
        }
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let binary = binary.as_ref().to_owned();
        let (child, output) = spawn(&binary, &arguments);
        let greeting = String::new();
        let mut service = Self { child, output, greeting, arguments, binary, folder };
        service.ready().await;
        service
    }

    /// Starts it again with the same arguments and files, after ending it if it still runs.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn restart(&mut self) {
        self.kill9().await;
        (self.child, self.output) = spawn(&self.binary, &self.arguments);
        self.ready().await;
    }

    async fn ready(&mut self) {
        let line = self.line("ready").await;
        self.greeting = line.expect("the service ended before it was ready");
    }

    /// The line that said that it is ready.
    #[must_use]
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// The next line of output that begins with `start`; none if the output ends before.
    ///
    /// # Panics
    /// When neither comes within the limit.
    pub async fn line(&mut self, start: &str) -> Option<String> {
        let search = async {
            while let Ok(Some(line)) = self.output.next_line().await {
                if line.starts_with(start) {
                    return Some(line);
                }
            }
            None
        };
        timeout(LIMIT, search).await.expect("the service says something in time")
    }

    /// The folder with its secret and its read models.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it by `kill -9` and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill9(&mut self) {
        self.child.kill().await.expect("the service is killed");
    }

    /// Stops its clock: SIGSTOP.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on: SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// How many files it has open, connections among them.
    #[must_use]
    pub fn open_files(&self) -> usize {
        let pid = self.child.id().unwrap_or_default();
        std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
    }

    /// Asks it to stop in good order, SIGTERM, and waits. True if it says that all went well.
    ///
    /// # Panics
    /// When it does not stop within the limit.
    pub async fn stop(&mut self) -> bool {
        self.signal(Signal::TERM);
        let ended = timeout(LIMIT, self.child.wait()).await.expect("the service stops in time");
        ended.expect("the service's end is seen").success()
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.expect("the service runs");
        kill_process(pid, signal).expect("the service takes a signal");
    }
}

fn spawn(binary: &Path, arguments: &[String]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(binary)
        .args(arguments)
        .env("HEADWATER_LOG", "error")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the service starts");
    let stdout = child.stdout.take().expect("the service's output");
    (child, BufReader::new(stdout).lines())
}
