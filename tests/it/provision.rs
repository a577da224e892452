//! Streams and buckets: there as defined, or refused with the field that differs.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};
use infrastructure::provision::{
    Durability, ProvisionError, ProvisionOptions, Provisioned, provision, wanted,
};
use tests::{Disguise, Server};

async fn provision_default(client: &async_nats::Client) -> Provisioned {
    provision(client, &ProvisionOptions::default()).await.unwrap()
}

#[tokio::test]
async fn the_first_run_creates_everything_and_the_second_nothing() {
    let server = Server::start().await;
    let client = server.client().await;
    assert_eq!(provision_default(&client).await.created.len(), wanted(1).len());
    assert_eq!(provision_default(&client).await.created, Vec::<String>::new());
}

#[tokio::test]
async fn instances_that_start_at_the_same_time_do_not_disturb_each_other() {
    let server = Server::start().await;
    let mut instances = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = server.client().await;
        instances.spawn(async move { provision_default(&client).await.created });
    }
    let mut created = instances.join_all().await.concat();
    created.dedup();
    created.sort();
    created.dedup();
    assert_eq!(created.len(), wanted(1).len());
}

#[tokio::test]
async fn a_field_that_differs_is_named_with_both_values_and_left_alone() {
    let server = Server::start().await;
    let client = server.client().await;
    let context = jetstream::new(client.clone());
    let events = Config { deny_purge: false, ..nats::streams::events(1) };
    let results = nats::buckets::all(1).into_iter().find(|config| config.name == "KV_RESULTS");
    let results = Config { max_messages_per_subject: 5, ..results.unwrap() };
    for config in [&events, &results] {
        context.create_stream(config).await.unwrap();
    }

    let error = provision(&client, &ProvisionOptions::default()).await.unwrap_err();

    let text = error.to_string();
    assert!(text.contains("EVENTS.deny_purge: wanted true, found false"), "{text}");
    assert!(text.contains("KV_RESULTS.max_msgs_per_subject: wanted 1, found 5"), "{text}");
    let ProvisionError::Drift(drifts) = error else { panic!("{text}") };
    assert_eq!(drifts.len(), 2, "{text}");
    let found = context.get_stream("EVENTS").await.unwrap();
    assert!(!found.cached_info().config.deny_purge);
}

#[tokio::test]
async fn each_option_that_differs_is_seen_and_nothing_else() {
    let server = Server::start().await;
    let client = server.client().await;
    let context = jetstream::new(client.clone());
    provision_default(&client).await;
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 11] = [
        ("subjects", |config| config.subjects.push("extra.>".to_owned())),
        ("retention", |config| config.retention = RetentionPolicy::WorkQueue),
        ("storage", |config| config.storage = StorageType::Memory),
        ("discard", |config| config.discard = DiscardPolicy::Old),
        ("max_age", |config| config.max_age = Duration::from_secs(3600)),
        ("max_msgs", |config| config.max_messages = 1000),
        ("max_consumers", |config| config.max_consumers = 5000),
        ("allow_direct", |config| config.allow_direct = false),
        ("deny_delete", |config| config.deny_delete = false),
        ("allow_atomic", |config| config.allow_atomic_publish = true),
        ("duplicate_window", |config| config.duplicate_window = Duration::from_secs(9)),
    ];
    for (field, change) in changes {
        let mut changed = nats::streams::events(1);
        change(&mut changed);
        context.delete_stream("EVENTS").await.unwrap();
        context.create_stream(&changed).await.unwrap();
        let error = provision(&client, &ProvisionOptions::default()).await.unwrap_err();
        let ProvisionError::Drift(drifts) = error else { panic!("{field}: {error}") };
        let fields: Vec<_> = drifts.iter().map(|drift| drift.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
}

#[tokio::test]
async fn the_durability_statement_is_read_from_the_server() {
    for (server, expected) in [
        (Server::start_synced().await, "sync_interval: always"),
        (Server::start().await, "sync_interval: 120s"),
    ] {
        let monitoring = server.broker().monitoring().map(str::to_owned);
        let options = ProvisionOptions { replicas: 1, monitoring };
        let provisioned = provision(&server.client().await, &options).await.unwrap();
        let text = provisioned.to_string();
        assert!(text.contains("replicas 1") && text.contains(expected), "{text}");
        let blind = provision_default(&server.client().await).await;
        assert_eq!(blind.durability, Durability::Unreadable);
    }
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused_and_nothing_is_created() {
    let server = Server::start().await;
    for (field, value, refusal) in [
        (
            "\"version\":",
            "\"2.11.11\"",
            "nats-server 2.11.11 is too old; at least 2.12.0 is needed",
        ),
        ("\"version\":", "\"new\"", "`new` is not a version of nats-server"),
        ("\"api\":{\"level\":", "1", "JetStream API level 1 is too low; at least 2 is needed"),
    ] {
        let disguise = Disguise::start(server.address(), field, value).await;
        let client = async_nats::connect(disguise.url()).await.unwrap();
        let error = provision(&client, &ProvisionOptions::default()).await.unwrap_err();
        assert_eq!(error.to_string(), refusal);
    }
    let context = jetstream::new(server.client().await);
    assert_eq!(context.query_account().await.unwrap().streams, 0);
    provision_default(&server.client().await).await;
}
