//! The report on an installation: all is well, or what is wrong by name.

use async_nats::jetstream::{self, stream::Config};
use infrastructure::{
    doctor::examine,
    provision::{Durability, ProvisionOptions, provision},
};
use tests::Server;

#[tokio::test]
async fn a_provisioned_server_is_well_and_its_figures_are_told() {
    let server = Server::start_synced().await;
    let client = server.client().await;
    let monitoring = server.broker().monitoring().map(str::to_owned);
    let options = ProvisionOptions { replicas: 1, monitoring };
    provision(&client, &options).await.unwrap();
    let context = jetstream::new(client.clone());
    for _ in 0..3 {
        context.publish("event.test.a", "[]".into()).await.unwrap().await.unwrap();
    }

    let report = examine(&client, &options).await.unwrap();

    assert!(report.is_healthy(), "{report}");
    assert_eq!(report.durability, Durability::Synced);
    let events = report.streams.iter().find(|stream| stream.name == "EVENTS").unwrap();
    let state = events.found.as_ref().unwrap();
    assert_eq!((state.messages, state.last_sequence, state.replicas), (3, 3, 1));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json.pointer("/streams/0/found/last_sequence"), Some(&3.into()), "{json}");
}

#[tokio::test]
async fn a_stream_that_differs_or_is_absent_is_named_and_nothing_is_repaired() {
    let server = Server::start().await;
    let client = server.client().await;
    let context = jetstream::new(client.clone());
    let changed = Config { deny_delete: false, ..nats::streams::events(1) };
    context.create_stream(changed).await.unwrap();

    let options = ProvisionOptions::default();
    let report = examine(&client, &options).await.unwrap();

    let told = |text: &str| report.problems.iter().any(|problem| problem.contains(text));
    assert!(told("EVENTS.deny_delete: wanted true, found false"), "{report}");
    assert!(told("DLQ is not there") && told("KV_LEASES is not there"), "{report}");
    assert!(!report.to_string().contains("all is well"), "{report}");
    assert_eq!(examine(&client, &options).await.unwrap(), report);
}
