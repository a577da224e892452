//! Several real nats-servers that replicate to each other.

use async_nats::{
    Client,
    jetstream::{self, stream},
};
use futures::future::join_all;
use infrastructure::connection::{ConnectOptions, connect};
use test_ports::Port;

use crate::{LIMIT, Server, eventually};

/// A JetStream cluster on one machine, ready to create replicated streams.
#[derive(Debug)]
pub struct Cluster {
    /// The servers, for stopping and killing single ones.
    pub nodes: Vec<Server>,
    /// Where they find each other: a server that was killed comes back there.
    _routes: Vec<Port>,
}

impl Cluster {
    /// Starts `count` servers and waits until they have a leader.
    ///
    /// # Panics
    /// When they do not start or do not agree.
    pub async fn start(count: usize) -> Self {
        let ports: Vec<_> = (0..count).map(|_| Port::reserve()).collect();
        let routes: Vec<String> =
            ports.iter().map(|port| format!("\"nats://127.0.0.1:{}\"", port.number())).collect();
        let routes = routes.join(", ");
        let start = |(node, port): (usize, &Port)| {
            let port = port.number();
            let config = format!(
                "cluster {{ name: tests, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n"
            );
            Server::start_as(move |options, folder| {
                let path = folder.join("cluster.conf");
                std::fs::write(&path, config).expect("the configuration is written");
                options.config = Some(path);
                options.name = format!("node-{node}");
            })
        };
        let nodes = join_all(ports.iter().enumerate().map(start)).await;
        let cluster = Self { nodes, _routes: ports };
        cluster.ready().await;
        cluster
    }

    /// All addresses, for clients that go on when a server ends.
    #[must_use]
    pub fn url(&self) -> String {
        self.nodes.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    /// A new connection to any of the servers.
    ///
    /// # Panics
    /// When none takes it.
    pub async fn client(&self) -> Client {
        connect(&ConnectOptions::new(self.url())).await.expect("a server takes a connection")
    }

    /// Waits until a fully replicated stream can be created through every server: the fact that
    /// tests depend on, where "there is a leader" would be only a hint.
    async fn ready(&self) {
        for node in &self.nodes {
            let context = jetstream::new(node.client().await);
            let config = stream::Config {
                name: "READY".to_owned(),
                subjects: vec!["ready".to_owned()],
                storage: stream::StorageType::Memory,
                num_replicas: self.nodes.len(),
                ..stream::Config::default()
            };
            eventually("a replicated stream is created", LIMIT, async || {
                context.get_or_create_stream(config.clone()).await.ok()
            })
            .await;
            eventually("and deleted", LIMIT, async || context.delete_stream("READY").await.ok())
                .await;
        }
    }
}
