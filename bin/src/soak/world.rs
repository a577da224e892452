//! The parts of one run: a broker, instances, a mail server, a folder. Not here: what happens to them.

use std::{fmt::Write as _, fs, net::TcpListener, ops::Range, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use infrastructure::{
    broker::{Broker, BrokerOptions},
    connection::{ConnectOptions, connect},
};
use kit::Secret;
use nats::names;

use super::{
    instance::{Instance, Settings},
    mail_sink::MailSink,
    plan::Plan,
};

/// The secret of every throw-away service.
pub const SECRET: [u8; 32] = [7; 32];

/// Below the ports that systems hand out by themselves: whoever looks for a broker that is down could
/// be given the broker's own, and the broker would not come back to it.
const PORTS: Range<u16> = 30_000..32_768;

/// Everything that runs.
#[derive(Debug)]
pub(super) struct World {
    pub(super) folder: PathBuf,
    pub(super) connection: async_nats::Client,
    pub(super) instances: Vec<Instance>,
    pub(super) sink: MailSink,
    pub(super) secret: Secret,
    /// Where the read models are.
    pub(super) store: String,
    options: BrokerOptions,
    url: String,
    /// None for the moment in which it is down.
    broker: Option<Broker>,
}

impl World {
    /// Starts all of it, with nothing in it yet.
    pub(super) async fn start(plan: &Plan) -> Result<Self> {
        fs::create_dir_all(&plan.folder)?;
        let folder = plan.folder.canonicalize()?;
        let mut options = BrokerOptions::new(&plan.broker, &folder);
        // A later start comes back on the same port, where everybody looks for it.
        options.port = free_port();
        let broker = Broker::start(options.clone()).await?;
        options.port = broker.port();
        let connection = connect(&ConnectOptions::new(broker.url())).await?;
        let sink = MailSink::start().await?;
        let secret = folder.join("secret");
        fs::write(&secret, SECRET)?;
        let store = plan.store.clone();
        let store = store.unwrap_or_else(|| folder.join("read.sqlite").display().to_string());
        let mut world = Self {
            folder,
            connection,
            instances: Vec::new(),
            sink,
            secret: Secret::new(SECRET),
            store,
            options,
            url: broker.url().to_owned(),
            broker: Some(broker),
        };
        for number in 0..plan.instances.max(1) {
            let instance = Instance::start(world.settings(plan, number), None).await?;
            world.instances.push(instance);
        }
        Ok(world)
    }

    fn settings(&self, plan: &Plan, number: usize) -> Settings {
        // A name of its own lets an instance take over at once what it held before it died.
        let name = format!("soak-{number}");
        let (port, secret) = (self.sink.port().to_string(), self.folder.join("secret"));
        let secret = secret.display().to_string();
        let arguments = [
            ["serve", "--json"],
            ["--nats", &self.url],
            ["--secret-file", &secret],
            ["--store", &self.store],
            ["--instance", &name],
            ["--smtp-host", "127.0.0.1"],
            ["--smtp-port", &port],
            ["--smtp-use-tls", "false"],
            ["--smtp-timeout", "2"],
            ["--from-email", "soak@example.org"],
        ];
        let arguments = arguments.concat().into_iter().map(str::to_owned).collect();
        let log = self.folder.join(format!("{name}.log"));
        Settings { program: plan.program.clone(), arguments, log }
    }

    /// Ends the broker by `kill -9` and starts it again on the same files, with room for `room`
    /// bytes or for all there will be.
    pub(super) async fn restart_broker(&mut self, room: Option<u64>) -> Result<()> {
        // Dropped before the next one starts: it holds the folder.
        if let Some(mut broker) = self.broker.take() {
            broker.kill();
            broker.exited().await?;
        }
        self.options.config = match room {
            None => None,
            Some(room) => {
                let path = self.folder.join("room.conf");
                fs::write(&path, self.limit(room)?)?;
                Some(path)
            }
        };
        self.broker = Some(Broker::start(self.options.clone()).await?);
        Ok(())
    }

    /// The server takes the last of two equal keys.
    fn limit(&self, room: u64) -> Result<String> {
        let store = serde_json::to_string(&self.folder.join("nats").display().to_string())?;
        let mut text = String::new();
        writeln!(text, "jetstream {{ store_dir: {store}, sync_interval: always")?;
        writeln!(text, "  max_file: {room} }}")?;
        Ok(text)
    }

    /// The last position of the log.
    pub(super) async fn end_of_log(&self) -> Result<u64> {
        let context = jetstream::new(self.connection.clone());
        Ok(context.get_stream(names::EVENTS).await?.cached_info().state.last_sequence)
    }

    /// Bytes that all streams have.
    pub(super) async fn stored(&self) -> Result<u64> {
        let mut context = jetstream::new(self.connection.clone());
        context.set_timeout(Duration::from_secs(20));
        let account = context.query_account().await.context("the account cannot be asked")?;
        Ok(account.storage)
    }

    /// Ends the instances in good order, and the broker.
    pub(super) async fn stop(self) -> Result<()> {
        for instance in self.instances {
            instance.stop().await?;
        }
        match self.broker {
            Some(broker) => Ok(broker.stop().await?),
            None => Ok(()),
        }
    }
}

/// One where nobody listens; none if the system is to choose.
fn free_port() -> Option<u16> {
    let mut tries = (0..100).map(|_| fastrand::u16(PORTS));
    tries.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
}
