//! The test kit itself: a proxy that loses what it should, a cluster that survives a server.

use std::time::Duration;

use async_nats::jetstream;
use infrastructure::{
    connection::{ConnectOptions, connect},
    provision::{ProvisionOptions, provision},
};
use tests::{Cluster, Direction, Flow, LIMIT, Proxy, Server, eventually};

async fn messages(context: &jetstream::Context) -> Option<u64> {
    context.get_stream("EVENTS").await.ok().map(|stream| stream.cached_info().state.messages)
}

#[tokio::test]
async fn an_acknowledgement_can_be_lost_while_the_message_is_stored() {
    let server = Server::start().await;
    let direct = server.client().await;
    provision(&direct, &ProvisionOptions::default()).await.unwrap();
    let direct = jetstream::new(direct);
    let proxy = Proxy::start(server.address()).await;
    let client = connect(&ConnectOptions::new(proxy.url())).await.unwrap();
    let mut context = jetstream::new(client);
    context.set_timeout(Duration::from_millis(300));

    proxy.set(Direction::ToClient, Flow::Dropped);
    let ack = context.publish("event.test.a", "[]".into()).await.unwrap();
    assert!(ack.await.is_err());
    let stored = async || (messages(&direct).await == Some(1)).then_some(());
    eventually("the message is stored", LIMIT, stored).await;

    proxy.cut();
    proxy.set(Direction::ToClient, Flow::Open);
    let count = eventually("connected again", LIMIT, async || messages(&context).await).await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_publish_can_be_held_back_and_arrive_later() {
    let server = Server::start().await;
    let direct = server.client().await;
    provision(&direct, &ProvisionOptions::default()).await.unwrap();
    let direct = jetstream::new(direct);
    let proxy = Proxy::start(server.address()).await;
    let client = connect(&ConnectOptions::new(proxy.url())).await.unwrap();
    let mut context = jetstream::new(client);
    context.set_timeout(Duration::from_millis(300));

    proxy.set(Direction::ToServer, Flow::Paused);
    let ack = context.publish("event.test.a", "[]".into()).await.unwrap();
    assert!(ack.await.is_err());
    assert_eq!(messages(&direct).await, Some(0));
    proxy.set(Direction::ToServer, Flow::Delayed(Duration::from_millis(1)));

    let arrived = async || (messages(&direct).await == Some(1)).then_some(());
    eventually("the publish arrives", LIMIT, arrived).await;
}

#[tokio::test]
async fn a_cluster_keeps_acknowledged_messages_when_a_server_is_killed() {
    let mut cluster = Cluster::start(3).await;
    let options = ProvisionOptions { replicas: 3, monitoring: None };
    let client = cluster.client().await;
    let provisioned = provision(&client, &options).await.unwrap();
    assert_eq!(provisioned.replicas, 3);
    assert_eq!(provision(&client, &options).await.unwrap().created, Vec::<String>::new());
    let mut context = jetstream::new(client);
    for _ in 0..20 {
        context.publish("event.test.a", "[]".into()).await.unwrap().await.unwrap();
    }
    // A request to a server that is gone is repeated soon.
    context.set_timeout(Duration::from_secs(1));

    // The leader: losing another server would prove less.
    let info = context.get_stream("EVENTS").await.unwrap().cached_info().clone();
    let leader = info.cluster.unwrap().leader.unwrap();
    let node = (0..3).find(|node| leader == format!("node-{node}")).unwrap();
    cluster.nodes.get_mut(node).unwrap().kill9();
    let all = async || (messages(&context).await == Some(20)).then_some(());
    eventually("all messages are there without the leader", LIMIT, all).await;
    cluster.nodes.get_mut(node).unwrap().restart().await;
    eventually("the server is back in the cluster", LIMIT, async || {
        let cluster = context.get_stream("EVENTS").await.ok()?.cached_info().cluster.clone()?;
        (cluster.leader.is_some() && cluster.replicas.iter().all(|peer| peer.current)).then_some(())
    })
    .await;
}
