//! Those who read the log, and those who look after the service.

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, pull},
};
use domain::person::Person;
use futures::StreamExt;
use infrastructure::{
    composition::Composition,
    doctor::examine,
    growth,
    histories::Histories,
    proof::{Check, Export},
    provision::ProvisionOptions,
};

use super::{guarded, role::Role};

#[tokio::test]
async fn a_subscriber_publishes_nothing_but_what_reading_takes() {
    let (server, _service) = guarded().await;
    let mut subscriber = Role::connect(server.url(), "subscriber").await;
    let others = [
        "command.person.a.tag",
        "enqueue.person.a.tag",
        "query.person.get",
        "$JS.API.CONSUMER.CREATE.EVENTS.other.event.>",
        "$JS.API.CONSUMER.CREATE.EVENTS",
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.other",
        "$JS.API.CONSUMER.CREATE.COMMANDS.subscriber",
        "$JS.API.CONSUMER.DELETE.EVENTS.subscriber",
        "$JS.API.DIRECT.GET.KV_SNAPSHOTS.x",
        "$JS.ACK.COMMANDS.subscriber.1.1.1.1.1",
    ];
    assert_eq!(subscriber.refused_publishes(&others).await, others);
}

#[tokio::test]
async fn a_subscriber_reads_and_acknowledges_through_its_durable_consumer() {
    let (server, service) = guarded().await;
    let service = jetstream::new(service.client);
    for id in ["a", "b"] {
        let subject = format!("event.person.{id}");
        service.publish(subject, "[]".into()).await.unwrap().await.unwrap();
    }
    let subscriber = Role::connect(server.url(), "subscriber").await;
    let events = jetstream::new(subscriber.client).get_stream_no_info("EVENTS").await.unwrap();
    let config = pull::Config {
        durable_name: Some("subscriber".to_owned()),
        filter_subject: "event.person.*".to_owned(),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    let mut consumer = events.create_consumer(config).await.unwrap();
    let mut messages = consumer.messages().await.unwrap().take(2);
    while let Some(message) = messages.next().await {
        message.unwrap().double_ack().await.unwrap();
    }
    let info = consumer.info().await.unwrap();
    assert_eq!((info.ack_floor.stream_sequence, info.num_ack_pending), (2, 0));
}

#[tokio::test]
async fn an_operator_reads_everything_and_changes_nothing() {
    let (server, _service) = guarded().await;
    let mut operator = Role::connect(server.url(), "operator").await;
    let others = [
        "command.person.a.tag",
        "enqueue.person.a.tag",
        "$JS.API.STREAM.CREATE.X",
        "$JS.API.STREAM.UPDATE.EVENTS",
        "$JS.API.STREAM.DELETE.DLQ",
        "$JS.API.STREAM.PURGE.TIMERS",
        "$JS.API.CONSUMER.CREATE.COMMANDS.thief",
        "$JS.API.CONSUMER.MSG.NEXT.COMMANDS.durable",
        "$KV.CHECKPOINTS.welcome",
    ];
    assert_eq!(operator.refused_publishes(&others).await, others);
    let report = examine(&operator.client, &ProvisionOptions::default()).await.unwrap();
    assert!(report.is_healthy(), "{report}");
    assert!(report.to_string().ends_with("all is well"), "{report}");
}

#[tokio::test]
async fn an_operator_reads_the_log_in_order() {
    let (server, service) = guarded().await;
    let service = jetstream::new(service.client);
    for _ in 0..10 {
        service.publish("event.person.a", "[]".into()).await.unwrap().await.unwrap();
    }
    let operator = Role::connect(server.url(), "operator").await;
    let events = jetstream::new(operator.client).get_stream("EVENTS").await.unwrap();
    let consumer = events.create_consumer(pull::OrderedConfig::default()).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(10);
    let sequences: Vec<u64> =
        messages.map(|message| message.unwrap().info().unwrap().stream_sequence).collect().await;
    assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_operator_exports_what_is_stored_be_it_readable_or_not_and_sees_the_log_grow() {
    let (server, service) = guarded().await;
    let service = jetstream::new(service.client);
    for body in ["[]", "{", ""] {
        service.publish("event.person.a", body.into()).await.unwrap().await.unwrap();
    }
    let operator = Role::connect(server.url(), "operator").await.client;
    let aggregates = Composition::new().aggregate::<Person>().aggregates();
    let histories = Histories::open(operator.clone(), aggregates).await.unwrap();
    let mut export = Export::open(&histories, "person", &"a".parse().unwrap(), true).await.unwrap();
    let mut check = Check::new(None);
    while let Some(line) = export.line().await.unwrap() {
        check.take(line.as_bytes());
    }
    let verdict = check.finish();
    assert_eq!(verdict.findings, []);
    let head = verdict.head.unwrap();
    assert_eq!((head.commits, head.position.0, head.version.0), (3, 3, 0));
    let growth = growth::examine(&operator, ["person"], 1, None).await.unwrap();
    assert_eq!((growth.commits, growth.aggregates[0].commits), (3, 3));
}
