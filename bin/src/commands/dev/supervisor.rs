//! The broker as a child: started on a port that is free, started again when it dies.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use infrastructure::broker::{Broker, BrokerError, BrokerOptions};
use tokio::time::{Instant, sleep};

use crate::{exit::Advised, signals::Stop};

/// The port that NATS clients try first.
const PORT: u16 = 4222;
/// Starts in a row before giving up: a broker that cannot live needs a person.
const STARTS_MAX: u32 = 6;
/// The first pause before a start; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// A broker that lived this long had started well; the next death counts anew.
const STABLE: Duration = Duration::from_secs(60);

/// The broker, and what is needed to start it again.
#[derive(Debug)]
pub(super) struct Supervisor {
    // None while it is started again: a broker that has ended still holds the folder's lock.
    broker: Option<Broker>,
    url: String,
    options: BrokerOptions,
}

impl Supervisor {
    /// Starts the broker on `port`; without one on 4222 or, if that is taken, on any.
    pub(super) async fn start(binary: PathBuf, data: &Path, port: Option<u16>) -> Result<Self> {
        let mut options = BrokerOptions::new(binary, data);
        options.port = Some(port.unwrap_or(PORT)).filter(|port| *port != 0);
        let mut started = Broker::start(options.clone()).await;
        if is_taken(&started) {
            if let Some(port) = port {
                let message = format!("port {port} is taken");
                let advice = "Choose another with --nats-port, or 0 for any that is free.";
                return Err(Advised::new(message, advice).into());
            }
            tracing::info!("port {PORT} is taken, choosing another");
            options.port = None;
            started = Broker::start(options.clone()).await;
        }
        let broker = started?;
        // Clients reconnect to where they were, so every later start uses the same port.
        options.port = broker.port();
        Ok(Self { url: broker.url().to_owned(), broker: Some(broker), options })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.broker.as_ref().map(Broker::pid)
    }

    pub(super) fn monitoring(&self) -> Option<&str> {
        self.broker.as_ref().and_then(Broker::monitoring)
    }

    /// Keeps the broker alive until `stop` is asked for.
    ///
    /// # Errors
    /// If it dies again and again.
    pub(super) async fn watch(&mut self, stop: &mut Stop) -> Result<()> {
        let mut starts = 0;
        loop {
            if let Some(broker) = &mut self.broker {
                let since = Instant::now();
                let status = tokio::select! {
                    () = stop.asked() => return Ok(()),
                    status = broker.exited() => status?,
                };
                if since.elapsed() > STABLE {
                    starts = 0;
                }
                tracing::error!(%status, "nats-server ended; starting it again");
            }
            self.broker = None;
            tokio::select! {
                () = stop.asked() => return Ok(()),
                started = self.again(&mut starts) => started?,
            }
            tracing::info!(broker.pid = self.pid(), "nats-server runs again");
        }
    }

    async fn again(&mut self, starts: &mut u32) -> Result<()> {
        loop {
            if *starts == STARTS_MAX {
                let log = self.options.data.join("nats");
                return Err(Advised::new(
                    format!("nats-server died {STARTS_MAX} times in a row"),
                    format!("Its log is under {}.", log.display()),
                )
                .into());
            }
            sleep(PAUSE_MIN * 2u32.pow(*starts)).await;
            *starts += 1;
            match Broker::start(self.options.clone()).await {
                Ok(broker) => {
                    self.broker = Some(broker);
                    return Ok(());
                }
                Err(error) => tracing::error!(%error, "nats-server does not start"),
            }
        }
    }

    /// Ends the broker.
    pub(super) async fn stop(self) -> Result<()> {
        if let Some(broker) = self.broker {
            broker.stop().await?;
        }
        Ok(())
    }
}

/// Whether the server ended because somebody else listens on its port.
fn is_taken(started: &Result<Broker, BrokerError>) -> bool {
    matches!(started, Err(BrokerError::Exited { log, .. }) if log.contains("address already in use"))
}
