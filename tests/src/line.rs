//! The store on real servers, behind a line that can be disturbed.

use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use infrastructure::{
    jetstream::{JetStreamOptions, JetStreamStore},
    store::Store as _,
};
use kit::Position;

use crate::{
    Direction, Flow, LIMIT, Proxy, Server, eventually,
    store_contract::{Line, commit, fresh_key},
};

/// A store whose appends go through a proxy, and one that goes straight to the server.
#[derive(Debug)]
pub struct ProxiedLine {
    /// What disturbs the line.
    pub proxy: Proxy,
    /// Appends through the proxy; it gives up as its options say.
    pub through: JetStreamStore,
    /// The same line, with more patience. Not without end: a request may be lost in a cut.
    patient: JetStreamStore,
    /// Appends straight to the server.
    pub direct: JetStreamStore,
}

impl ProxiedLine {
    /// A line to `server` through which an append soon gives up: no answer comes however long it
    /// waits. `straight` is a connection to the same server, or to another of its cluster.
    ///
    /// # Panics
    /// When the server does not take a connection.
    pub async fn start(server: &Server, straight: Client) -> Self {
        let append_timeout = Duration::from_millis(300);
        let hasty = JetStreamOptions { append_timeout, ..JetStreamOptions::default() };
        Self::with(server, straight, hasty).await
    }

    /// A line through which appends wait as `options` say.
    ///
    /// # Panics
    /// When the server does not take a connection.
    pub async fn with(server: &Server, straight: Client, options: JetStreamOptions) -> Self {
        let proxy = Proxy::start(server.address()).await;
        // Or the client would go round the proxy, to the other servers of a cluster.
        let alone = ConnectOptions::new().ignore_discovered_servers();
        let proxied = alone.connect(proxy.url()).await.expect("the server takes a connection");
        let patience = JetStreamOptions::default();
        let open = async |append: &Client, options| {
            let store = JetStreamStore::new(append.clone(), straight.clone(), options).await;
            store.expect("an open connection")
        };
        let line = Self {
            through: open(&proxied, options).await,
            patient: open(&proxied, patience.clone()).await,
            direct: open(&straight, patience).await,
            proxy,
        };
        line.all_arrived().await;
        line
    }

    /// What was under way on the proxied connection has arrived once a later append is answered.
    pub async fn all_arrived(&self) {
        eventually("the connection works", LIMIT, async || {
            // One that came too late is in the way of its own repetition.
            let key = fresh_key();
            self.patient.append(&key, Position::ZERO, commit(&key, 1, 1)).await.ok()
        })
        .await;
    }
}

impl Line for ProxiedLine {
    type Store = JetStreamStore;

    fn store(&self) -> &JetStreamStore {
        &self.through
    }

    fn witness(&self) -> &JetStreamStore {
        &self.direct
    }

    async fn lose_answers(&self) {
        self.all_arrived().await;
        self.proxy.set(Direction::ToClient, Flow::Dropped);
    }

    async fn hold_requests(&self) {
        self.all_arrived().await;
        self.proxy.set(Direction::ToServer, Flow::Paused);
    }

    async fn mend(&self) {
        if self.proxy.flow(Direction::ToClient) == Flow::Dropped {
            self.proxy.cut();
            self.proxy.set(Direction::ToClient, Flow::Open);
        }
        self.proxy.set(Direction::ToServer, Flow::Open);
        self.all_arrived().await;
    }
}
