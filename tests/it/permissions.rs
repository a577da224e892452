//! What each role of the server's configuration may do, and that the server refuses the rest.

mod role;

use std::time::Duration;

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, pull},
};
use futures::StreamExt;
use infrastructure::{
    client::Client,
    connection::{ConnectError, ConnectOptions, connect},
    deadletter::{Action, DeadLetters, DeadLettersError, Requested},
    doctor::examine,
    durable::OutcomeStatus,
    handler::standpoint,
    provision::{ProvisionOptions, provision},
    request::CommandRequest,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::Position;
use nats::names;
use role::Role;
use serde_json::json;
use tests::{LIMIT, Server, eventually};

const PASSWORDS: [(&str, &str); 5] = [
    ("HEADWATER_SERVICE_PASSWORD", "service-secret"),
    ("HEADWATER_CLIENT_PASSWORD", "client-secret"),
    ("HEADWATER_SUBSCRIBER_PASSWORD", "subscriber-secret"),
    ("HEADWATER_OPERATOR_PASSWORD", "operator-secret"),
    ("HEADWATER_REPAIRER_PASSWORD", "repairer-secret"),
];

/// A server with the roles' permissions, provisioned by the service's user.
async fn guarded() -> (Server, Role) {
    let config = [nats::server::PERMISSIONS, nats::server::PASSWORDS].concat();
    let server = Server::start_with(&config, &PASSWORDS).await;
    let service = Role::connect(server.url(), "service").await;
    provision(&service.client, &ProvisionOptions::default()).await.unwrap();
    (server, service)
}

#[tokio::test]
async fn only_the_service_may_write_events() {
    let (server, mut service) = guarded().await;
    let subjects = ["event.person.a", "dlq.welcome.person.a", "timer.set.person.a.x"];
    assert_eq!(service.refused_publishes(&subjects).await, Vec::<&str>::new());
    for name in ["client", "subscriber", "operator"] {
        let mut role = Role::connect(server.url(), name).await;
        assert_eq!(role.refused_publishes(&subjects).await, subjects, "{name}");
    }
    let events = jetstream::new(service.client).get_stream("EVENTS").await.unwrap();
    assert_eq!(events.cached_info().state.messages, 1);
}

#[tokio::test]
async fn a_client_sends_the_commands_it_is_granted_and_no_others() {
    let (server, _service) = guarded().await;
    let mut client = Role::connect(server.url(), "client").await;
    let granted = ["command.person.a.create-person", "command.person.b.tag", "query.person.get"];
    assert_eq!(client.refused_publishes(&granted).await, Vec::<&str>::new());
    let others = [
        "command.person.a.archive",
        "command.onboarding.a.skip-skills",
        "command.person.a.b.tag",
        "command.mail.a.tag",
        "enqueue.person.a.tag",
        "$JS.API.STREAM.INFO.EVENTS",
        "$JS.API.DIRECT.GET.EVENTS.event.person.a",
        "$JS.API.CONSUMER.CREATE.EVENTS.x",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$KV.LEASES.welcome",
        "_INBOX.subscriber.x",
    ];
    assert_eq!(client.refused_publishes(&others).await, others);
}

#[tokio::test]
async fn who_may_skip_skills_is_one_line_of_the_grants() {
    let skip = "command.onboarding.*.skip-skills";
    let tag = "\"command.person.*.tag\"";
    let granted = nats::server::PERMISSIONS.replace(tag, &format!("{tag}, \"{skip}\""));
    let server =
        Server::start_with(&[&granted, nats::server::PASSWORDS].concat(), &PASSWORDS).await;
    let mut client = Role::connect(server.url(), "client").await;
    let subjects = ["command.onboarding.a.skip-skills", "command.onboarding.a.cancel"];
    assert_eq!(client.refused_publishes(&subjects).await, ["command.onboarding.a.cancel"]);
}

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
async fn a_repairer_asks_about_dead_letters_and_writes_nothing_else() {
    let (server, service) = guarded().await;
    let mut repairer = Role::connect(server.url(), "repairer").await;
    let others = [
        "dlq.welcome",
        "event.person.a",
        "command.person.a.tag",
        "enqueue.person.a.tag",
        "timer.set.person.a.x",
        "$KV.CHECKPOINTS.welcome",
        "$JS.API.STREAM.PURGE.DLQ",
        "$JS.API.STREAM.MSG.DELETE.DLQ",
        "$JS.API.STREAM.UPDATE.DLQ",
        "$JS.API.CONSUMER.CREATE.COMMANDS.thief",
    ];
    assert_eq!(repairer.refused_publishes(&others).await, others);

    let parked = json!({
        "kind": "parked", "event": {"position": 1, "index": 0}, "class": "bug", "errors": ["x"],
        "attempts": 1, "recent": [], "first": "2026-11-21T10:00:00Z", "last": "2026-11-21T10:00:00Z",
        "original": {"subject": "event.person.a", "body": {"text": "[]"}}, "epoch": 1,
    });
    let subject = "dlq.welcome.person.a";
    let owner = jetstream::new(service.client);
    owner.publish(subject, parked.to_string().into()).await.unwrap().await.unwrap();
    let letters = DeadLetters::open(&repairer.client).await.unwrap();
    let letter = letters.list(None).await.unwrap().remove(0);
    let request = Requested {
        request: uuid::Uuid::now_v7(),
        action: Action::Retry,
        event: letter.parked.event.clone(),
        data: None,
        schema_version: None,
        who: "a test".to_owned(),
        why: "it must".to_owned(),
        selection: None,
        time: chrono::Utc::now(),
    };
    assert_eq!(letters.waiting(&letter).await, Ok(0));
    letters.request(&letter.key, letter.last, request.clone()).await.unwrap();
    assert_eq!(letters.history(&letter.key).await.unwrap().len(), 2);

    let registered = json!({"name": "welcome", "kind": "policy", "since": 0, "version": null});
    let registry = owner.get_key_value(names::HANDLERS).await.unwrap();
    registry.put("welcome", registered.to_string().into()).await.unwrap();
    let checkpoints = owner.get_key_value(names::CHECKPOINTS).await.unwrap();
    checkpoints.put("welcome", r#"{"position":9,"epoch":1}"#.into()).await.unwrap();
    let stands = standpoint(&repairer.client, "welcome").await.unwrap();
    let reset = stands.ask(&repairer.client, Position(2), ("a test", "it must"), None).await;
    assert_eq!(reset.unwrap().checkpoint, Position(9));

    let operator = Role::connect(server.url(), "operator").await;
    let stands = standpoint(&operator.client, "welcome").await.unwrap();
    let other = stands.pending.as_ref().map(|pending| pending.request);
    let refused = stands.ask(&operator.client, Position(2), ("a test", "it must"), other).await;
    assert_eq!(refused.unwrap_err().code, "unavailable", "an operator only reads");
    let letters = DeadLetters::open(&operator.client).await.unwrap();
    let letter = letters.list(None).await.unwrap().remove(0);
    let refused = letters.request(&letter.key, letter.last, request).await;
    assert!(matches!(refused, Err(DeadLettersError::Away(_))), "an operator only reads");
}

#[tokio::test]
async fn nobody_changes_or_deletes_a_stream_over_the_network() {
    let (_server, mut service) = guarded().await;
    let denied = [
        "$JS.API.STREAM.UPDATE.EVENTS",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$JS.API.STREAM.PURGE.EVENTS",
        "$JS.API.STREAM.MSG.DELETE.EVENTS",
    ];
    assert_eq!(service.refused_publishes(&denied).await, denied);
}

#[tokio::test]
async fn no_role_listens_to_another() {
    let (server, _service) = guarded().await;
    for name in ["service", "client", "subscriber", "operator", "repairer"] {
        let mut role = Role::connect(server.url(), name).await;
        let own = format!("_INBOX.{name}.>");
        assert_eq!(role.refused_subscriptions(&[&own]).await, Vec::<&str>::new());
        let inboxes = ["service", "client", "subscriber", "operator", "repairer"]
            .into_iter()
            .filter(|other| *other != name)
            .map(|other| format!("_INBOX.{other}.>"));
        let mut others: Vec<String> = inboxes.collect();
        others.extend(["_INBOX.>", ">", "event.>", "enqueue.>", "dlq.>"].map(str::to_owned));
        if name != "service" {
            others.extend(["command.>", "query.>", "$SRV.>"].map(str::to_owned));
        }
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        assert_eq!(role.refused_subscriptions(&others).await, others, "{name}");
    }
}

#[tokio::test]
async fn a_client_gets_the_answer_to_a_granted_command() {
    let (server, service) = guarded().await;
    let group = nats::names::SERVICE.to_owned();
    let mut commands = service.client.queue_subscribe("command.>", group).await.unwrap();
    service.client.flush().await.unwrap();
    let answering = tokio::spawn(async move {
        let command = commands.next().await.unwrap();
        service.client.publish(command.reply.unwrap(), command.payload).await.unwrap();
        service.client.flush().await.unwrap();
        service
    });
    let client = Role::connect(server.url(), "client").await;
    let request = async || {
        let request = client.client.request("command.person.a.tag", "{\"tag\":\"vip\"}".into());
        request.await.ok()
    };
    let reply = eventually("the service answers", LIMIT, request).await;
    assert_eq!(reply.payload.as_ref(), b"{\"tag\":\"vip\"}");
    answering.await.unwrap();
}

#[tokio::test]
async fn the_whole_service_runs_with_no_more_than_its_role() {
    let (server, service) = guarded().await;
    let user = Some(("service".to_owned(), "service-secret".to_owned()));
    let inbox = Some("_INBOX.service".to_owned());
    let runtime = Runtime::start(RuntimeOptions {
        connect: ConnectOptions { user, inbox, ..ConnectOptions::new(server.url()) },
        provision: ProvisionOptions::default(),
        composition: headwater::contexts::composition(),
        roles: Roles::default(),
        secret: kit::scenario::secret(),
        store: server.folder().join("store.sqlite").into(),
        instance: "one".to_owned(),
    })
    .await
    .unwrap();
    let mut caller = Role::connect(server.url(), "client").await;
    // One violation on purpose, so that looking for them in the log below finds what there is.
    assert_eq!(caller.refused_publishes(&["on-purpose"]).await, ["on-purpose"]);
    let caller = Client::new(caller.client);
    let ada = |name: &str, body: &'static str| {
        CommandRequest::new("person", "ada".parse().unwrap(), name, body)
    };
    let create = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

    caller.send(&ada("create-person", create)).await.unwrap();
    let boarding =
        async || caller.query("onboarding-board", "get", &json!({"key": "ada"})).await.ok();
    eventually("a policy's command and a projection follow", LIMIT, boarding).await;
    let service = Client::new(service.client);
    let id = service.enqueue(&ada("tag", r#"{"tag":"vip"}"#)).await.unwrap();
    eventually("the durable command is carried out", LIMIT, async || {
        let outcome = caller.result(&id).await.ok()?;
        (outcome.status == OutcomeStatus::Committed).then_some(())
    })
    .await;
    let operator = Role::connect(server.url(), "operator").await.client;
    let report = examine(&operator, &ProvisionOptions::default()).await.unwrap();
    assert!(report.is_healthy() && !report.handlers.is_empty(), "{report}");
    runtime.drain().await;

    let log = std::fs::read_to_string(server.folder().join("nats/nats-server.log")).unwrap();
    let mut violations: Vec<_> = log.lines().filter(|line| line.contains("Violation")).collect();
    assert!(violations.iter().any(|line| line.contains("on-purpose")), "{log}");
    violations.retain(|line| !line.contains("on-purpose") && !line.contains("sentinel"));
    assert_eq!(violations, Vec::<&str>::new());
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
async fn a_wrong_password_and_no_password_are_refused() {
    let (server, _service) = guarded().await;
    for user in [None, Some(("service".to_owned(), "guess".to_owned()))] {
        let options = ConnectOptions { user, ..ConnectOptions::new(server.url()) };
        let error = connect(&options).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("authorization violation"), "{error}");
    }
}

#[tokio::test]
async fn roles_can_prove_themselves_by_key_pairs() {
    let roles = ["SERVICE", "CLIENT", "SUBSCRIBER", "OPERATOR", "REPAIRER"];
    let pairs = roles.map(|_| nkeys::KeyPair::new_user());
    let names = roles.map(|role| format!("HEADWATER_{role}_NKEY"));
    let keys = pairs.iter().map(nkeys::KeyPair::public_key).collect::<Vec<_>>();
    let environment: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(keys.iter().map(String::as_str)).collect();
    let config = [nats::server::PERMISSIONS, nats::server::NKEYS].concat();
    let server = Server::start_with(&config, &environment).await;

    let [service, client, ..] = pairs.map(|pair| {
        let path = server.folder().join(pair.public_key());
        std::fs::write(&path, pair.seed().unwrap() + "\n").unwrap();
        path
    });
    let inbox = Some("_INBOX.service".to_owned());
    let options =
        ConnectOptions { nkey: Some(service), inbox, ..ConnectOptions::new(server.url()) };
    let service = connect(&options).await.unwrap();
    provision(&service, &ProvisionOptions::default()).await.unwrap();

    let inbox = Some("_INBOX.client".to_owned());
    let options = ConnectOptions { nkey: Some(client), inbox, ..ConnectOptions::new(server.url()) };
    let mut context = jetstream::new(connect(&options).await.unwrap());
    context.set_timeout(Duration::from_millis(200));
    assert!(context.publish("event.person.a", "[]".into()).await.unwrap().await.is_err());
    let events = jetstream::new(service).get_stream("EVENTS").await.unwrap();
    assert_eq!(events.cached_info().state.messages, 0);
}
