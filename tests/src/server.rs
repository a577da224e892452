//! One real nats-server in a folder of its own.

use std::path::{Path, PathBuf};

use async_nats::Client;
use infrastructure::{
    broker::{Broker, BrokerOptions, find_or_install},
    connection::{ConnectOptions, connect},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use test_ports::Port;
use tokio::sync::OnceCell;

/// A nats-server on a port of its own that ends, with its folder, when this value does.
///
/// It does not sync each write: a test kills processes, not machines.
#[derive(Debug)]
pub struct Server {
    options: BrokerOptions,
    broker: Option<Broker>,
    url: String,
    /// A later start comes back there, where clients look for it.
    _port: Port,
    // Dropped last: the server writes into it.
    folder: TempDir,
}

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_as(|_, _| {}).await
    }

    /// Starts a server with more configuration: permissions, for example. The environment
    /// variables that it refers to come with it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(config: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_as(|options, folder| {
            let path = folder.join("more.conf");
            std::fs::write(&path, config).expect("the configuration is written");
            options.config = Some(path);
            options.environment =
                environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        })
        .await
    }

    /// Starts a server that acknowledges only what is on disk.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_synced() -> Self {
        Self::start_as(|options, _| options.sync_always = true).await
    }

    pub(crate) async fn start_as(change: impl FnOnce(&mut BrokerOptions, &Path)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut options = BrokerOptions::new(binary().await, folder.path());
        let port = Port::reserve();
        options.sync_always = false;
        options.port = Some(port.number());
        change(&mut options, folder.path());
        let broker = Broker::start(options.clone()).await.expect("nats-server starts");
        let url = broker.url().to_owned();
        Self { options, broker: Some(broker), url, _port: port, folder }
    }

    /// Where clients connect, also while the server is down.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:port`, for what speaks TCP.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("nats://")
    }

    /// Its name in a cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The running server.
    ///
    /// # Panics
    /// When it is down.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        self.broker.as_ref().expect("the server is running")
    }

    /// A new connection.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn client(&self) -> Client {
        connect(&ConnectOptions::new(self.url())).await.expect("the server takes a connection")
    }

    /// Ends the server by `kill -9`. Connections break; data stays as it is.
    pub fn kill9(&mut self) {
        if let Some(broker) = &mut self.broker {
            broker.kill();
        }
    }

    /// Stops its clock: SIGSTOP.
    ///
    /// # Panics
    /// When it is down.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on: SIGCONT.
    ///
    /// # Panics
    /// When it is down.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.broker().pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("the server takes a signal");
    }

    /// Starts the server again, on the same folder and port, after ending it if it still runs.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await.expect("the server ends");
        }
        let broker = Broker::start(self.options.clone()).await.expect("nats-server starts again");
        self.broker = Some(broker);
    }

    /// Ends the server in good order and keeps it down until [`Self::restart`].
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await.expect("the server ends");
        }
    }
}

/// The nats-server that all tests use; installed once into the workspace if there is none.
///
/// # Panics
/// When none is found and none can be installed.
pub async fn binary() -> PathBuf {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.headwater");
    BINARY
        .get_or_init(|| async { find_or_install(&data).await.expect("a nats-server") })
        .await
        .clone()
}
