//! A server with design requests about people on it, and all that is kept of them.

use std::collections::BTreeMap;

use async_nats::{
    HeaderMap,
    jetstream::{self, stream::RawMessageErrorKind},
};
use futures::TryStreamExt as _;
use infrastructure::{
    client::Client,
    composition::Composition,
    durable::OutcomeStatus,
    problem::Problem,
    request::{CommandRequest, Reply},
    runtime::{Roles, Runtime, RuntimeOptions},
    sealing::{Keys, MasterKeys},
};
use kit::scenario::secret;
use serde_json::{Value, json};
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tests::{LIMIT, Server, eventually};

use crate::service::options;

/// A server with design requests on it.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) client: Client,
}

impl World {
    pub(super) async fn start() -> Self {
        let server = Server::start().await;
        let client = Client::new(server.client().await);
        Self { server, client }
    }

    pub(super) async fn instance(&self, name: &str, roles: Roles) -> Runtime {
        let options = RuntimeOptions {
            composition: headwater::contexts::composition(),
            roles,
            store: self.server.folder().join("store.sqlite").into(),
            ..options(&self.server, name)
        };
        Runtime::start(options).await.unwrap()
    }

    pub(super) fn keys(&self) -> Keys {
        Keys::new(self.client.connection().clone(), MasterKeys::derived(&secret()))
    }

    pub(super) fn composition(&self) -> Composition {
        headwater::contexts::composition().opening(self.keys())
    }

    pub(super) async fn send(&self, id: &str, name: &str, body: &Value) -> Result<Reply, Problem> {
        self.client.send(&request("design", id, name, body)).await
    }

    /// A request with everything personal that there can be, said by and about `who`.
    pub(super) async fn filled(&self, id: &str, who: &str) {
        let email = format!("{who}@example.org");
        let name = format!("{}{} Lovelace", who[..1].to_uppercase(), &who[1..]);
        let provenance =
            json!({"created_by": name, "metadata": {"ip": "192.0.2.77"}, "data": {"email": email}});
        let mut said = vec![
            (
                "create-request",
                json!({"design_code": "D-7", "email": email, "provenance": provenance}),
            ),
            ("submit-request", json!({"email": email, "provenance": provenance})),
        ];
        // Enough for a snapshot.
        said.extend((0..105).map(|number| {
                let answer = json!({"question_id": "colour", "text": format!("moss-green {who} {number}"),
                "file_url": format!("https://files.example.org/{who}.png"),
                "options": {"shade": format!("shade-77 {who}")}, "provenance": provenance});
            ("answer-question", answer)
        }));
        for (name, body) in &said {
            self.send(id, name, body).await.unwrap();
        }
        let event = format!("evt_{id}");
        let first = name.split(' ').next().unwrap();
        let payload = json!({"id": event, "type": "payment_intent.payment_failed", "created": 1_767_323_165,
            "livemode": false, "data": {"object": {"id": format!("pi_{id}"), "amount": 4990, "currency": "eur",
            "metadata": {"request_id": id}, "receipt_email": format!("billing-{who}@example.org"),
            "last_payment_error": {"code": "declined", "message": format!("the card of {first} is declined")}}}});
        let receive =
            request("stripe-event", &event, "receive", &json!({"payload": payload.to_string()}));
        let command = self.client.enqueue(&receive).await.unwrap();
        eventually("the event is received", LIMIT, async || {
            let outcome = self.client.result(&command).await.ok()?;
            (outcome.status == OutcomeStatus::Committed).then_some(())
        })
        .await;
        eventually("the payment is in the rows", LIMIT, async || {
            (self.row(id).await?["payment_failure_code"] == "declined").then_some(())
        })
        .await;
        self.send(id, "cancel-request", &json!({"reason": format!("{who}-changed")}))
            .await
            .unwrap();
    }

    /// Where the request stands, as readers see it.
    pub(super) async fn row(&self, id: &str) -> Option<Value> {
        let params = json!({"request_id": id});
        let answer = self.client.query("design-requests", "current-state", &params).await;
        let answer: Value = serde_json::from_str(answer.ok()?.get()).unwrap();
        answer["rows"].get(0).cloned()
    }

    /// Every message of every stream and bucket: where it stands, and all its bytes.
    pub(super) async fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        let context = jetstream::new(self.client.connection().clone());
        let names: Vec<String> = context.stream_names().try_collect().await.unwrap();
        let mut kept = BTreeMap::new();
        for name in names {
            let stream = context.get_stream(&name).await.unwrap();
            let state = &stream.cached_info().state;
            for sequence in state.first_sequence.max(1)..=state.last_sequence {
                let message = match stream.get_raw_message(sequence).await {
                    Ok(message) => message,
                    Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => continue,
                    Err(error) => panic!("{name} {sequence}: {error}"),
                };
                let mut bytes =
                    format!("{}\n{}", message.subject, shown(&message.headers)).into_bytes();
                bytes.extend_from_slice(&message.payload);
                kept.insert(format!("{name} {sequence:08} {}", message.subject), bytes);
            }
        }
        kept
    }

    /// Every value of every table of the read models.
    pub(super) async fn rows(&self) -> String {
        let file = SqliteConnectOptions::new().filename(self.server.folder().join("store.sqlite"));
        let mut store = SqliteConnection::connect_with(&file).await.unwrap();
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut store).await.unwrap();
        let mut all = String::new();
        for table in tables {
            let columns =
                sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"));
            let columns: Vec<String> =
                sqlx::query_scalar(columns).fetch_all(&mut store).await.unwrap();
            let quoted: Vec<_> = columns.iter().map(|it| format!("quote(\"{it}\")")).collect();
            let select = format!("SELECT {} AS line FROM \"{table}\"", quoted.join("||','||"));
            for row in sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&mut store).await.unwrap()
            {
                all += &format!("{table}: {}\n", row.get::<String, _>("line"));
            }
        }
        all
    }

    /// Whether the key of an aggregate is destroyed; none if there never was one.
    pub(super) async fn is_destroyed(&self, key: &str) -> Option<bool> {
        let context = jetstream::new(self.client.connection().clone());
        let bucket = context.get_key_value("KEYS").await.unwrap();
        let value = bucket.get(key).await.unwrap()?;
        Some(String::from_utf8_lossy(&value).contains("\"destroyed\""))
    }

    pub(super) async fn until_destroyed(&self, key: &str) {
        let what = format!("the key of {key} is destroyed");
        let destroyed = async || self.is_destroyed(key).await?.then_some(());
        eventually(&what, LIMIT, destroyed).await;
    }
}

fn request(aggregate: &str, id: &str, name: &str, body: &Value) -> CommandRequest {
    CommandRequest::new(aggregate, id.parse().unwrap(), name, body.to_string()).identified()
}

fn shown(headers: &HeaderMap) -> String {
    let lines = headers.iter().map(|(name, values)| format!("{name}: {values:?}\n"));
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines.concat()
}
