//! Those who send commands.

use futures::StreamExt;
use tests::{LIMIT, Server, eventually};

use super::{PASSWORDS, guarded, role::Role};

#[tokio::test]
async fn a_client_sends_the_commands_it_is_granted_and_no_others() {
    let (server, _service) = guarded().await;
    let mut client = Role::connect(server.url(), "client").await;
    let granted = ["command.person.a.create-person", "command.person.b.tag", "query.person.get"];
    assert_eq!(client.refused_publishes(&granted).await, Vec::<&str>::new());
    let others = [
        "command.person.a.histories",
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
async fn only_the_role_payments_can_say_that_something_is_paid() {
    let (server, _service) = guarded().await;
    let mut payments = Role::connect(server.url(), "payments").await;
    let granted = [
        "command.design.r1.record-payment",
        "command.design.r1.record-fees",
        "command.design.r1.quote",
    ];
    assert_eq!(payments.refused_publishes(&granted).await, Vec::<&str>::new());
    let others = [
        "command.design.r1.start-design",
        "command.stripe-event.evt_1.receive",
        "enqueue.stripe-event.evt_1.receive",
        "enqueue.design.r1.record-payment",
        "command.person.a.tag",
        "event.design.r1",
        "_INBOX.client.x",
    ];
    assert_eq!(payments.refused_publishes(&others).await, others);
    for name in ["client", "subscriber", "operator", "repairer"] {
        let mut role = Role::connect(server.url(), name).await;
        assert_eq!(role.refused_publishes(&granted).await, granted, "{name}");
    }
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
