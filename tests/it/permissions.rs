//! What each role of the server's configuration may do, and that the server refuses the rest.

mod backups;
mod callers;
mod proofs;
mod readers;
mod repairers;
mod role;

use async_nats::jetstream;
use infrastructure::{
    client::Client,
    connection::ConnectOptions,
    doctor::examine,
    durable::OutcomeStatus,
    provision::{ProvisionOptions, provision},
    request::CommandRequest,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use role::Role;
use serde_json::json;
use tests::{LIMIT, Server, eventually};

const PASSWORDS: [(&str, &str); 6] = [
    ("HEADWATER_SERVICE_PASSWORD", "service-secret"),
    ("HEADWATER_CLIENT_PASSWORD", "client-secret"),
    ("HEADWATER_PAYMENTS_PASSWORD", "payments-secret"),
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
    for name in ["client", "payments", "subscriber", "operator"] {
        let mut role = Role::connect(server.url(), name).await;
        assert_eq!(role.refused_publishes(&subjects).await, subjects, "{name}");
    }
    let events = jetstream::new(service.client).get_stream("EVENTS").await.unwrap();
    assert_eq!(events.cached_info().state.messages, 1);
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
    for name in ["service", "client", "payments", "subscriber", "operator", "repairer"] {
        let mut role = Role::connect(server.url(), name).await;
        let own = format!("_INBOX.{name}.>");
        assert_eq!(role.refused_subscriptions(&[&own]).await, Vec::<&str>::new());
        let inboxes = ["service", "client", "payments", "subscriber", "operator", "repairer"]
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
        master_keys: None,
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
