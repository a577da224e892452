//! Mail by SMTP, with the built service as a process that can be killed.

use crate::{
    kit::{binary, finish},
    timers::recorded,
};
use async_nats::jetstream;
use domain::mail::{Letter, MailCommand, RequestMail};
use infrastructure::{
    client::Client,
    handler::{BreakerState, report},
    request::{CommandRequest, Status},
};
use kit::Command as _;
use serde_json::{Value, json};
use tests::{
    History, LIMIT, MailFailure, MailSink, MailStep, Received, Server, Service, eventually,
};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const ADDRESS: &str = "ada@example.org";

struct World {
    server: Server,
    sink: MailSink,
    service: Service,
    client: Client,
}

impl World {
    async fn start() -> Self {
        let server = Server::start().await;
        let sink = MailSink::start().await;
        let port = sink.port().to_string();
        let arguments = [
            ["--smtp-host", "127.0.0.1"],
            ["--smtp-port", &port],
            ["--smtp-use-tls", "false"],
            ["--smtp-timeout", "20"],
            ["--from-email", "robot@example.org"],
            // The next process takes over at once.
            ["--instance", "mailer"],
        ];
        let service = Service::start(BINARY, server.url(), &arguments.concat()).await;
        let client = Client::new(server.client().await);
        Self { server, sink, service, client }
    }

    async fn send(&self, aggregate: &str, id: &str, name: &str, body: Value) -> Status {
        let id = id.parse().unwrap();
        let request = CommandRequest::new(aggregate, id, name, body.to_string());
        self.client.send(&request).await.unwrap().status
    }

    /// Ada with an address.
    async fn ada(&self) {
        let name = json!({"given": ["Ada"], "family": ["Lovelace"]});
        self.send("person", "ada", "create-person", json!({"name": name, "source": "api"})).await;
        let contact = json!({"contact_id": "home", "kind": "email", "value": ADDRESS});
        self.send("person", "ada", "add-contact", contact).await;
    }

    async fn ask_for_a_code(&self) {
        let body = json!({"contact_id": "home"});
        self.send("person", "ada", "request-contact-verification", body).await;
    }

    async fn ask_for_a_welcome(&self, mail: &str) {
        self.ask_for_a_welcome_of(mail, "ada").await;
    }

    async fn ask_for_a_welcome_of(&self, mail: &str, person: &str) {
        let (person, contact) = (person.parse().unwrap(), "home".parse().unwrap());
        let letter = Letter::Welcome { person, contact };
        let command = MailCommand::from(RequestMail(letter));
        let body = serde_json::from_slice(&command.body().unwrap()).unwrap();
        self.send("mail", mail, command.name(), body).await;
    }

    /// Waits until `deliver-mail` has made `wanted` of the request of `mail`, as the tool tells.
    async fn status(&self, mail: &str, wanted: &str) {
        eventually(&format!("the request of {mail} is {wanted}"), LIMIT, async || {
            let mut command = binary().await;
            command.args(["events", "mail", mail, "--status", "--json"]);
            command.args(["--nats", self.server.url()]);
            let event = finish(command, "").await.json().remove(0);
            let handlers = event["handlers"].as_array()?.iter();
            let mut mailer = handlers.filter(|handler| handler["handler"] == "deliver-mail");
            (mailer.next()?["status"] == wanted).then_some(())
        })
        .await;
    }

    async fn received(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} mails have arrived"), LIMIT, async || {
            let received = self.sink.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }

    /// Waits until the history of `mail` is `expected`.
    async fn history(&self, mail: &str, expected: &[&str]) {
        eventually(&format!("the history of {mail} is {expected:?}"), LIMIT, async || {
            let history = History::read(&self.server.client().await).await;
            let entries = history.of(&format!("mail.{mail}")).iter();
            let kinds: Vec<_> =
                entries.filter_map(|entry| entry.kind.strip_prefix("mail.mail-")).collect();
            (kinds == expected).then_some(())
        })
        .await;
    }

    async fn opened(&self) {
        let client = self.server.client().await;
        eventually("the breaker of the mail server is open", LIMIT, async || {
            let handlers = report(&client).await.ok()?;
            let mailer = handlers.into_iter().find(|handler| handler.name == "deliver-mail")?;
            (mailer.breaker?.state == BreakerState::Open).then_some(())
        })
        .await;
    }

    /// Subject and body of every message in the log, as text.
    async fn log(&self) -> Vec<(String, String)> {
        let context = jetstream::new(self.server.client().await);
        let stream = context.get_stream("EVENTS").await.unwrap();
        let mut log = Vec::new();
        for sequence in 1..=stream.cached_info().state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            let body = String::from_utf8(message.payload.to_vec()).unwrap();
            log.push((message.subject.to_string(), body));
        }
        log
    }
}

/// The mail's own id, from its name.
fn mail_id(received: &Received) -> String {
    let name = received.header("Message-ID").unwrap();
    let (_, rest) = name.split_once('.').unwrap();
    rest.split_once('@').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_contact_is_verified_with_the_code_that_arrived_by_mail() {
    let mut world = World::start().await;
    world.ada().await;
    world.ask_for_a_code().await;
    let mail = world.received(1).await.remove(0);
    assert_eq!(mail.to, [ADDRESS]);
    let (challenge, code) = (mail_id(&mail), mail.after("Your code is ").unwrap().to_owned());
    let body = json!({"contact_id": "home", "challenge_id": challenge, "code": code});
    assert_eq!(world.send("person", "ada", "confirm-contact", body).await, Status::Committed);
    world.history(&challenge, &["requested", "sending", "sent"]).await;
    // Neither code nor address is in what the mail left behind on the server.
    for (subject, body) in world.log().await {
        assert!(!body.contains(&code), "{body}");
        assert!(!subject.starts_with("event.mail.") || !body.contains(ADDRESS), "{body}");
    }
    assert!(world.service.stop().await);
}

#[tokio::test]
async fn a_code_is_sent_again_under_the_same_name_after_a_kill_before_the_answer() {
    let mut world = World::start().await;
    world.ada().await;
    world.sink.fail(MailStep::Message, MailFailure::Hang);
    world.ask_for_a_code().await;
    let first = world.received(1).await.remove(0);
    world.history(&mail_id(&first), &["requested", "sending"]).await;
    world.service.kill9().await;
    world.sink.recover();
    world.service.restart().await;
    let both = world.received(2).await;
    assert_eq!(both, [first.clone(), first.clone()]);
    world.history(&mail_id(&first), &["requested", "sending", "sent"]).await;
    assert!(world.service.stop().await);
    assert_eq!(world.sink.received().len(), 2);
}

#[tokio::test]
async fn a_welcome_is_not_sent_again_after_a_kill_before_the_answer() {
    let mut world = World::start().await;
    world.ada().await;
    world.sink.fail(MailStep::Message, MailFailure::Hang);
    world.ask_for_a_welcome("w").await;
    world.received(1).await;
    world.history("w", &["requested", "sending"]).await;
    world.service.kill9().await;
    world.sink.recover();
    world.service.restart().await;
    world.history("w", &["requested", "sending", "failed"]).await;
    assert!(world.service.stop().await);
    assert_eq!(world.sink.received().len(), 1);
}

#[tokio::test]
async fn a_welcome_that_was_certainly_not_sent_is_sent_later_even_after_a_kill() {
    let mut world = World::start().await;
    world.ada().await;
    world.sink.fail(MailStep::Data, MailFailure::Cut);
    world.ask_for_a_welcome("w").await;
    world.opened().await;
    let history = History::read(&world.server.client().await).await;
    assert_eq!(history.of("mail.w").last().unwrap().kind, "mail.mail-deferred");
    world.status("w", "failed").await;
    world.service.kill9().await;
    world.sink.recover();
    world.service.restart().await;
    let mail = world.received(1).await.remove(0);
    assert_eq!(mail.header("Subject"), Some("Welcome"));
    assert!(world.service.stop().await);
    assert_eq!(world.sink.received().len(), 1);
}

#[tokio::test]
async fn a_mail_to_somebody_whom_newer_code_wrote_is_set_aside_and_others_are_sent() {
    let mut world = World::start().await;
    world.ada().await;
    recorded(&world.server, "person", "eve", &[("person-created", 99, json!({}))]).await;
    world.ask_for_a_welcome_of("e", "eve").await;
    world.ask_for_a_welcome("w").await;
    world.received(1).await;
    world.status("e", "dead").await;
    world.status("w", "processed").await;
    assert!(world.service.stop().await);
    assert_eq!(world.sink.received().len(), 1);
}
