//! Processes of the built binary, and what they say.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use gateway::access::ApiKey;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::LIMIT;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// What a finished process left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Its standard output, if it says that all went well.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        &self.stdout
    }

    /// Its lines of JSON, if it says that all went well.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The binary without what the surroundings of the test would tell it.
pub(crate) async fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("HEADWATER_") || text.starts_with("OTEL_") || text == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    // Who repairs is the same, wherever the tests run.
    command.env("USER", "tester");
    // Or each installation would install a nats-server of its own.
    command.env("HEADWATER_NATS_SERVER", tests::binary().await);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs `command` to its end, with `input` as its standard input.
pub(crate) async fn finish(mut command: Command, input: &str) -> Finished {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A process that refuses its command line does not read.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(LIMIT, child.wait_with_output()).await.expect("it ends in time").unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An access file in `folder` with one key of the role `role`: the file, and the key.
pub(crate) fn let_in(folder: &Path, role: &str) -> (String, String) {
    let (path, key) = (folder.join("access.json"), ApiKey::generate().unwrap());
    let entry = json!({
        "id": key.id(), "name": "test", "roles": [role], "hash": key.hash().unwrap(),
        "created": chrono::Utc::now(),
    });
    std::fs::write(&path, json!({"keys": [entry]}).to_string()).unwrap();
    (path.display().to_string(), key.reveal())
}

/// A running `headwater dev`; it and its broker end with this value.
#[derive(Debug)]
pub(crate) struct Dev {
    child: Child,
    data: PathBuf,
    pub(crate) url: String,
    pub(crate) broker: Pid,
    /// Where it shows its metrics.
    pub(crate) metrics: String,
    /// Where it answers over HTTP.
    pub(crate) http: String,
}

impl Dev {
    /// Starts it on `data` and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// Starts it with environment variables.
    pub(crate) async fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = binary().await;
        command.arg("dev").args(["--json", "--nats-port", "0", "--data"]).arg(data);
        command.envs(environment.iter().copied()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(LIMIT, output.next_line()).await.expect("dev is ready in time");
        let ready: Value = serde_json::from_str(&line.unwrap().expect("a ready line")).unwrap();
        let pid = ready["broker"]["pid"].as_i64().unwrap();
        Self {
            child,
            data: data.canonicalize().unwrap(),
            url: ready["nats"].as_str().unwrap().to_owned(),
            broker: Pid::from_raw(pid.try_into().unwrap()).unwrap(),
            metrics: ready["metrics"].as_str().unwrap().to_owned(),
            http: ready["http"].as_str().unwrap().to_owned(),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap()
    }

    /// Asks it to stop with `signal`, and waits. Its exit code.
    pub(crate) async fn stop(&mut self, signal: Signal) -> Option<i32> {
        kill_process(self.pid(), signal).unwrap();
        timeout(LIMIT, self.child.wait()).await.expect("dev stops in time").unwrap().code()
    }

    /// Ends it alone, without a chance to end its broker.
    pub(crate) async fn kill9(&mut self) {
        self.child.kill().await.unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        // Not only the first one: a broker that died was started again.
        for broker in brokers_on(&self.data) {
            let _ = kill_process(broker, Signal::KILL);
        }
    }
}

/// The servers that run on the data folder `data`.
fn brokers_on(data: &Path) -> Vec<Pid> {
    let configuration = data.join("nats/server.conf");
    let configuration = configuration.as_os_str().as_encoded_bytes();
    let runs_there = |pid: &Pid| {
        let line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
        line.is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == configuration))
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(runs_there)
        .collect()
}

/// Whether the process `pid` is a nats-server that runs.
pub(crate) fn is_broker(pid: Pid) -> bool {
    let folder = format!("/proc/{}", pid.as_raw_nonzero());
    let name = std::fs::read_to_string(format!("{folder}/comm")).unwrap_or_default();
    // A process that has ended and was not waited for has an empty command line.
    let line = std::fs::read(format!("{folder}/cmdline")).unwrap_or_default();
    name.trim() == "nats-server" && !line.is_empty()
}

/// A data folder with a `headwater dev` that runs on it.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) dev: Dev,
    pub(crate) data: TempDir,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self { dev: Dev::start(data.path()).await, data }
    }

    /// Runs the binary on this installation.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(arguments, "").await
    }

    /// Runs the binary on this installation with something to read.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = binary().await;
        command.args(arguments).env("HEADWATER_DATA", self.data.path());
        finish(command, input).await
    }

    /// Sends one command and gives back the reply.
    pub(crate) async fn send(&self, target: [&str; 3], body: &str) -> Value {
        let [aggregate, id, command] = target;
        let arguments = ["send", aggregate, id, command, "--json", body, "--output", "json"];
        self.run(&arguments).await.json().remove(0)
    }

    /// Makes a person known.
    pub(crate) async fn create(&self, id: &str) -> Value {
        let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
        self.send(["person", id, "create-person"], body).await
    }
}
