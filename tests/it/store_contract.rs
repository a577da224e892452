//! One suite for every event store: what holds in memory holds on a real server and on a cluster.

use infrastructure::{
    jetstream::{JetStreamOptions, JetStreamStore},
    memory::MemoryStore,
    provision::{ProvisionOptions, provision},
};
use tests::{Cluster, Server, store_contract::keep_every_promise};

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    keep_every_promise(&MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_a_server_keeps_every_promise() {
    let server = Server::start().await;
    let (append, read) = (server.client().await, server.client().await);
    provision(&read, &ProvisionOptions::default()).await.unwrap();
    let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
    keep_every_promise(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_on_a_cluster_keeps_every_promise() {
    let cluster = Cluster::start(3).await;
    let (append, read) = (cluster.client().await, cluster.client().await);
    let replicated = ProvisionOptions { replicas: 3, ..ProvisionOptions::default() };
    provision(&read, &replicated).await.unwrap();
    let store = JetStreamStore::new(append, read, JetStreamOptions::default()).await.unwrap();
    keep_every_promise(&store).await;
}
