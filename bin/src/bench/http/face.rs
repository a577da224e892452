//! The HTTP side of the service under load: the gateway as `serve` runs it, with a key, and a bare axum.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, Result};
use axum::{Router, body::Bytes, routing::post};
use chrono::Utc;
use gateway::{
    Gateway, Listener, Serving,
    access::{Access, AccessFile, AccessOptions, ApiKey, KeyEntry, Origins},
};
use infrastructure::{aggregates::Aggregates, client::Client, histories::Histories};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use super::super::aggregate::Notebook;

/// Where the service under load is asked over HTTP; a line of its output.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Face {
    pub(super) gateway: String,
    pub(super) echo: String,
    pub(super) key: String,
}

/// What answers there.
pub(in crate::bench) struct Answering {
    serving: Serving,
    echo: JoinHandle<std::io::Result<()>>,
    _folder: TempDir,
}

impl Face {
    /// Begins to answer for the service behind `connection`.
    pub(in crate::bench) async fn open(
        connection: async_nats::Client,
    ) -> Result<(Self, Answering)> {
        let (folder, key) = (tempfile::tempdir()?, ApiKey::generate()?);
        let access = access(&folder, &key).await?;
        let histories = Histories::open(connection.clone(), Aggregates::new().with::<Notebook>());
        let gateway = Gateway::new(Client::new(connection), histories.await?);
        let gateway = gateway.guarded(move |routes| access.guard(routes));
        let serving = gateway.serve(Listener::bind("127.0.0.1:0".parse()?).await?)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let face = Self {
            gateway: serving.url().trim_start_matches("http://").to_owned(),
            echo: listener.local_addr()?.to_string(),
            key: key.reveal(),
        };
        let routes = Router::new().route("/echo", post(async |body: Bytes| body));
        let echo = tokio::spawn(axum::serve(listener, routes).into_future());
        Ok((face, Answering { serving, echo, _folder: folder }))
    }
}

impl Answering {
    pub(in crate::bench) async fn stop(self) {
        self.echo.abort();
        self.serving.drain().await;
    }
}

/// Access control as in production, without a limit of requests.
async fn access(folder: &TempDir, key: &ApiKey) -> Result<Access> {
    let path = folder.path().join("access.json");
    let entry = KeyEntry {
        id: key.id().clone(),
        name: "bench".to_owned(),
        owner: None,
        roles: ["admin".to_owned()].into(),
        hash: key.hash()?,
        created: Utc::now(),
        expires: None,
        revoked: false,
    };
    let file = AccessFile { keys: vec![entry], ..AccessFile::default() };
    tokio::fs::write(&path, serde_json::to_vec(&file)?).await?;
    let shipped = crate::access::shipped()?;
    let options = AccessOptions { file: path, shipped, rate: None, origins: Origins::default() };
    Ok(Access::open(options).await?)
}

impl fmt::Display for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.gateway, self.echo, self.key)
    }
}

impl FromStr for Face {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut next = || words.next().context("the service under load did not say where it is");
        Ok(Self { gateway: next()?, echo: next()?, key: next()? })
    }
}
