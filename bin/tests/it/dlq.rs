//! Dead letters at the command line: a real log with events that no handler can read.

mod commands;
mod filters;
mod policies;
mod projections;

use async_nats::jetstream::{self, context::Context};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{LIMIT, Server, Service, eventually};

use crate::kit::{Finished, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
const DRIVER: &str = "onboarding-driver";
const WHY: [&str; 4] = ["--why", "a test", "--by", "ada"];

/// A service without projections, whose log is written to by hand.
struct World {
    server: Server,
    _service: Service,
    context: Context,
    data: TempDir,
}

/// What a person's first event says, as today's code writes it.
fn created() -> Value {
    json!({
        "name": {"given": ["Ada"], "family": ["Lovelace"]},
        "source": "api",
        "onboarding": true,
    })
}

impl World {
    async fn start() -> Self {
        Self::start_with("commands,policies").await
    }

    async fn start_with(roles: &str) -> Self {
        let server = Server::start().await;
        let service = Service::start(BINARY, server.url(), &["--roles", roles]).await;
        let context = jetstream::new(server.client().await);
        let data = tempfile::tempdir().unwrap();
        Self { server, _service: service, context, data }
    }

    async fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = binary().await;
        command.args(arguments).args(["--nats", self.server.url(), "--data"]).arg(self.data.path());
        finish(command, "").await
    }

    async fn dlq(&self, action: &str, more: &[&[&str]]) -> Finished {
        self.run(&[&["dlq", action], more.concat().as_slice()].concat()).await
    }

    /// Writes one event of the person `id` as another program would.
    async fn write(&self, id: &str, version: u64, kind: &str, schema: u32, data: Value) {
        write(&self.context, id, version, kind, schema, data).await;
    }

    /// Queues a command as any client would.
    async fn enqueue(&self, id: &str, subject: &str, body: &str) {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Command-Id", id);
        let queued =
            self.context.publish_with_headers(subject.to_owned(), headers, body.to_owned().into());
        queued.await.unwrap().await.unwrap();
    }

    /// The keys that stand still for `handler`.
    async fn list(&self, handler: &str) -> Vec<Value> {
        self.dlq("list", &[&["--handler", handler, "--json"]]).await.json()
    }

    async fn parked(&self, id: &str) {
        eventually(&format!("{id} stands still"), LIMIT, async || {
            let parked = self.list(DRIVER).await;
            parked.iter().any(|it| it["id"] == id).then_some(())
        })
        .await;
    }

    /// Whether the policy has ordered the onboarding of `id`.
    async fn onboarded(&self, id: &str) -> bool {
        self.run(&["events", "onboarding", id]).await.code == Some(0)
    }
}

/// Writes one event of the person `id` as another program would.
async fn write(context: &Context, id: &str, version: u64, kind: &str, schema: u32, data: Value) {
    let event = json!({
        "specversion": "1.0",
        "id": uuid::Uuid::now_v7(),
        "source": "headwater/person",
        "type": format!("person.{kind}"),
        "subject": id,
        "time": "2026-11-21T10:00:00Z",
        "datacontenttype": "application/json",
        "schemaversion": schema,
        "sequence": version.to_string(),
        "commandid": uuid::Uuid::now_v7().to_string(),
        "commandhash": "0".repeat(32),
        "correlationid": "a-test",
        "data": data,
    });
    let body = serde_json::to_vec(&json!([event])).unwrap();
    let written = context.publish(format!("event.person.{id}"), body.into()).await;
    written.unwrap().await.unwrap();
}

fn statuses(finished: &Finished) -> Vec<String> {
    let lines = finished.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["status"].as_str().unwrap().to_owned()).collect()
}
