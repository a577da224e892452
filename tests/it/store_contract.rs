//! One suite for every event store: what holds in memory holds on a real server and on a cluster.

use infrastructure::{
    memory::MemoryStore,
    provision::{ProvisionOptions, provision},
};
use tests::{Cluster, ProxiedLine, Server, store_contract::keep_every_promise};

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    keep_every_promise(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_a_server_keeps_every_promise() {
    let server = Server::start().await;
    let straight = server.client().await;
    provision(&straight, &ProvisionOptions::default()).await.unwrap();
    keep_every_promise(&ProxiedLine::start(&server, straight).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_a_cluster_keeps_every_promise() {
    let cluster = Cluster::start(3).await;
    let straight = cluster.client().await;
    let replicated = ProvisionOptions { replicas: 3, ..ProvisionOptions::default() };
    provision(&straight, &replicated).await.unwrap();
    keep_every_promise(&ProxiedLine::start(&cluster.nodes[0], straight).await).await;
}
