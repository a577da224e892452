//! Archives and backups, made by the built binary while the built service serves, and what is there when
//! they come back.

mod archive;
mod broken;
mod cut;
mod elsewhere;
mod keys;
mod rewrap;
mod timers;
mod told;
mod whole;

use std::path::{Path, PathBuf};

use async_nats::{
    HeaderMap,
    jetstream::{self, stream::Stream},
};
use bytes::Bytes;
use infrastructure::provision::{ProvisionOptions, provision};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{LIMIT, MailSink, Server, Service, eventually};

use crate::kit::{Finished, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const DRIVER: &str = "onboarding-driver";
const ADA: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

/// A server with a service that sends mail, and a folder for copies.
struct World {
    server: Server,
    sink: MailSink,
    service: Service,
    folder: TempDir,
}

async fn serve(server: &Server, sink: &MailSink, instance: &str) -> Service {
    serve_with(server, sink, instance, &[]).await
}

async fn serve_with(server: &Server, sink: &MailSink, instance: &str, more: &[&str]) -> Service {
    let port = sink.port().to_string();
    let arguments = [
        ["--smtp-host", "127.0.0.1"],
        ["--smtp-port", &port],
        ["--smtp-use-tls", "false"],
        ["--from-email", "robot@example.org"],
        ["--instance", instance],
    ];
    Service::start(BINARY, server.url(), &[&arguments.concat(), more].concat()).await
}

/// Runs the binary against `server`.
async fn run(server: &Server, arguments: &[&str]) -> Finished {
    let data = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(arguments).args(["--nats", server.url(), "--data"]).arg(data.path());
    finish(command, "").await
}

/// Runs the binary where there is no server.
async fn alone(arguments: &[&str]) -> Finished {
    let data = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(arguments).args(["--nats", "nats://127.0.0.1:9", "--data"]).arg(data.path());
    finish(command, "").await
}

impl World {
    async fn start() -> Self {
        let (server, sink) = (Server::start().await, MailSink::start().await);
        let client = server.client().await;
        provision(&client, &ProvisionOptions::default()).await.unwrap();
        // Epochs as they are after a year: a server that begins at 1 would take long to pass them.
        let leases = jetstream::new(client).get_stream("KV_LEASES").await.unwrap();
        leases.purge().sequence(1_000_000).await.unwrap();
        let service = serve(&server, &sink, "one").await;
        Self { server, sink, service, folder: tempfile::tempdir().unwrap() }
    }

    async fn run(&self, arguments: &[&str]) -> Finished {
        run(&self.server, arguments).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn send(&self, target: [&str; 3], body: &str, more: &[&str]) -> Value {
        let [aggregate, id, command] = target;
        let arguments = ["send", aggregate, id, command, "--json", body, "--output", "json"];
        self.run(&[&arguments, more].concat()).await.json().remove(0)
    }

    /// Somebody with an address, who is being onboarded and is sent a code.
    async fn person(&self, id: &str) {
        self.send(["person", id, "create-person"], ADA, &["--command-id", &format!("{id}-made")])
            .await;
        let contact = r#"{"contact_id":"home","kind":"email","value":"ada@example.org"}"#;
        self.send(["person", id, "add-contact"], contact, &[]).await;
        let asked = r#"{"contact_id":"home"}"#;
        self.send(["person", id, "request-contact-verification"], asked, &[]).await;
    }

    /// An event that no handler of today can read, and one behind it.
    async fn unreadable(&self, id: &str) {
        let context = jetstream::new(self.server.client().await);
        for (version, kind, schema) in [(1, "name-changed", 99), (2, "person-created", 2)] {
            let event = json!({
                "specversion": "1.0", "id": uuid::Uuid::now_v7(), "source": "headwater/person",
                "type": format!("person.{kind}"), "subject": id, "time": "2026-11-21T10:00:00Z",
                "datacontenttype": "application/json", "schemaversion": schema,
                "sequence": version.to_string(), "commandid": uuid::Uuid::now_v7().to_string(),
                "commandhash": "0".repeat(32), "correlationid": "a-test",
                "data": {
                    "name": {"given": ["Ada"], "family": ["Lovelace"]}, "source": "api",
                    "onboarding": true,
                },
            });
            let body = serde_json::to_vec(&json!([event])).unwrap();
            let written = context.publish(format!("event.person.{id}"), body.into()).await;
            written.unwrap().await.unwrap();
        }
        let server = &self.server;
        eventually(&format!("{id} stands still"), LIMIT, async || {
            parked(server).await.contains(&id.to_owned()).then_some(())
        })
        .await;
    }

    /// Waits until every policy and effect has handled the log as it is.
    async fn settled(&self) {
        settled(&self.server).await;
    }

    async fn mails(&self, count: usize) {
        eventually(&format!("{count} mails have arrived"), LIMIT, async || {
            (self.sink.received().len() >= count).then_some(())
        })
        .await;
    }

    async fn backup(&self, name: &str) -> PathBuf {
        self.backup_of(&self.server, name).await
    }

    async fn backup_of(&self, server: &Server, name: &str) -> PathBuf {
        let folder = self.path(name);
        run(server, &["backup", "create", text(&folder), "--json"]).await.ok();
        folder
    }
}

/// Waits until every policy and effect of `server` has handled all there is, what they cause included.
async fn settled(server: &Server) {
    let client = server.client().await;
    let mut before = 0;
    eventually("everything is handled", LIMIT, async || {
        let last = events(&client).await.get_info().await.unwrap().state.last_sequence;
        let handlers = run(server, &["handlers", "--json"]).await.json();
        let mut handlers = handlers.iter().filter(|it| it["kind"] != "duty");
        let done = handlers.all(|it| it["position"].as_u64() >= Some(last));
        let rests = done && before == last;
        before = last;
        rests.then_some(())
    })
    .await;
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The persons that stand still for the driver of onboardings.
async fn parked(server: &Server) -> Vec<String> {
    let listed = run(server, &["dlq", "list", "--handler", DRIVER, "--json"]).await.json();
    listed.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

async fn events(client: &async_nats::Client) -> Stream {
    jetstream::new(client.clone()).get_stream("EVENTS").await.unwrap()
}

/// Messages of the log from 1 to `last`: subject, headers, body.
async fn log(server: &Server, last: u64) -> Vec<(String, HeaderMap, Bytes)> {
    let stream = events(&server.client().await).await;
    let mut log = Vec::new();
    for sequence in 1..=last {
        let message = stream.get_raw_message(sequence).await.unwrap();
        log.push((message.subject.to_string(), message.headers, message.payload));
    }
    log
}

/// The last position of the log.
async fn end(server: &Server) -> u64 {
    events(&server.client().await).await.cached_info().state.last_sequence
}

/// Where the log of the backup in `folder` ends.
async fn last_of(folder: &Path) -> u64 {
    let verified = alone(&["backup", "verify", text(folder), "--json"]).await.json().remove(0);
    assert_eq!(verified["faults"], json!([]));
    let contents = verified["contents"].as_array().unwrap();
    contents.iter().find(|it| it["stream"] == "EVENTS").unwrap()["last"].as_u64().unwrap()
}

/// What a projection's rows are when the log is folded up to `to`.
async fn rows(server: &Server, projection: &str, to: u64) -> Vec<Value> {
    let to = to.to_string();
    run(server, &["replay", "--handler", projection, "--to", &to, "--json"]).await.json()
}
