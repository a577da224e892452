//! A service with its broker and its Stripe, and what tests ask of them.

use std::path::PathBuf;

use infrastructure::{
    client::Client,
    envelope::{Data, decode},
    jetstream::{JetStreamOptions, JetStreamStore},
    request::{CommandRequest, Status},
    sealing::{Keys, MasterKeys},
    store::{Freshness, Pages, Start, StreamKey},
};
use kit::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Endpoint, FakeStripe, LIMIT, Server, Service, StripeEvent, eventually, post};

use crate::kit::let_in;

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");
/// What webhooks are signed with.
pub(super) const SECRET: &str = "whsec_new";
/// What they were signed with before, and still may be.
pub(super) const FORMER: &str = "whsec_old";

pub(super) struct World {
    pub(super) server: Server,
    pub(super) fake: FakeStripe,
    pub(super) service: Service,
    pub(super) client: Client,
    address: String,
    api_key: String,
    folder: TempDir,
}

impl World {
    /// Everything is configured.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("key"), format!("{}\n", FakeStripe::KEY)).unwrap();
        std::fs::write(path("secrets"), format!("{SECRET}\n{FORMER}\n")).unwrap();
        let arguments = [
            ["--stripe-key-file", &path("key")],
            ["--stripe-webhook-secret-file", &path("secrets")],
        ];
        Self::start_with(folder, &arguments.concat()).await
    }

    pub(super) async fn start_with(folder: TempDir, more: &[&str]) -> Self {
        let server = Server::start().await;
        let fake = FakeStripe::start().await;
        let url = fake.url();
        // The next process takes over at once.
        let (access, api_key) = let_in(folder.path(), "staff");
        let usual = ["--http", "127.0.0.1:0", "--instance", "payer", "--stripe-api", &url];
        let usual = [&usual[..], &["--access", &access]].concat();
        let mut service = Service::start(BINARY, server.url(), &[&usual, more].concat()).await;
        let address = address(&mut service).await;
        let client = Client::new(server.client().await);
        Self { server, fake, service, client, address, api_key, folder }
    }

    pub(super) async fn restart(&mut self) {
        self.service.restart().await;
        self.address = address(&mut self.service).await;
    }

    /// The file with the key.
    pub(super) fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        self.endpoint_signing(SECRET)
    }

    pub(super) fn endpoint_signing(&self, secret: &str) -> Endpoint {
        Endpoint { address: self.address.clone(), secret: secret.to_owned() }
    }

    /// Brings `events`, and all of them arrive.
    pub(super) async fn bring(&self, events: &[StripeEvent]) {
        for event in events {
            assert_eq!(self.endpoint().send(event).await.unwrap().0, 200, "{}", event.id);
        }
    }

    pub(super) async fn send(&self, aggregate: &str, id: &str, name: &str, body: Value) -> Status {
        let id = id.parse().unwrap();
        let request = CommandRequest::new(aggregate, id, name, body.to_string());
        self.client.send(&request).await.unwrap().status
    }

    /// A product at `prices`, named as they are.
    pub(super) async fn product(&self, id: &str, prices: Value) {
        self.send("product", id, "create-product", json!({"name": id, "prices": prices})).await;
    }

    /// A request for the product `product`, handed in.
    pub(super) async fn request(&self, id: &str, product: &str) {
        let body = json!({"product_id": product, "design_code": "D-7"});
        self.send("design", id, "create-request", body).await;
        let body = json!({"email": "ada@example.org"});
        self.send("design", id, "submit-request", body).await;
    }

    /// Requests with these ids for a product at 49 euro.
    pub(super) async fn requests(&self, ids: &[&str]) {
        self.product("poster", json!({"eur": 4900})).await;
        for id in ids {
            self.request(id, "poster").await;
        }
    }

    /// Status and body of a call for a payment.
    pub(super) async fn open(&self, body: Value) -> (u16, Value) {
        let headers = [("content-type", "application/json"), ("x-api-key", &self.api_key)];
        let path = "/api/create-payment-intent";
        post(&self.address, path, &headers, body.to_string()).await.unwrap()
    }

    /// The intent by which the request `id` is paid.
    pub(super) async fn intent(&self, id: &str) -> String {
        let (status, body) = self.open(json!({"request_id": id})).await;
        assert_eq!(status, 200, "{body}");
        body["payment_intent_id"].as_str().unwrap().to_owned()
    }

    /// Kind, payload and user of every event of one aggregate.
    pub(super) async fn events(&self, aggregate: &str, id: &str) -> Vec<(String, Value, String)> {
        let connection = self.server.client().await;
        let options = JetStreamOptions::default();
        let masters = MasterKeys::derived(&Secret::new([7; 32]));
        let keys = Keys::new(connection.clone(), masters);
        let store = JetStreamStore::new(connection.clone(), connection, options).await.unwrap();
        let store = store.opening(Some(keys));
        let key = StreamKey { aggregate: aggregate.into(), id: id.parse().unwrap() };
        let pages = Pages::new(&store, &key, Start::WHOLE, Freshness::Leader);
        let mut events = Vec::new();
        for commit in pages.rest().await.unwrap() {
            for element in decode(&commit.body).unwrap() {
                let Data::Json(data) = element.data else { unreachable!("no JSON") };
                let kind = element.kind.split_once('.').unwrap().1.to_owned();
                let user = element.metadata.user_id.clone().unwrap_or_default();
                events.push((kind, serde_json::from_str(data.get()).unwrap(), user));
            }
        }
        events
    }

    /// Waits until the kinds of events of one aggregate are `expected`.
    pub(super) async fn history(&self, aggregate: &str, id: &str, expected: &[&str]) {
        let mut last = Vec::new();
        let what = format!("the history of {aggregate}.{id} is {expected:?}");
        let found = eventually(&what, LIMIT, async || {
            last = self.events(aggregate, id).await;
            let kinds: Vec<_> = last.iter().map(|(kind, ..)| kind.as_str()).collect();
            (kinds == expected).then_some(())
        });
        found.await;
    }

    /// Waits until the request `id` has had an event of the kind `kind`; its payload.
    pub(super) async fn told(&self, id: &str, kind: &str) -> Value {
        eventually(&format!("{kind} of {id}"), LIMIT, async || {
            let events = self.events("design", id).await;
            events.into_iter().find(|(found, ..)| found == kind).map(|(_, data, _)| data)
        })
        .await
    }

    /// Waits until the event `id` of Stripe's has been set aside, and says with which code.
    pub(super) async fn set_aside(&self, id: &str) -> String {
        eventually(&format!("{id} is set aside"), LIMIT, async || {
            let events = self.events("stripe-event", id).await;
            let aside = events.into_iter().find(|(kind, ..)| kind == "set-aside")?;
            Some(aside.1["code"].as_str()?.to_owned())
        })
        .await
    }

    /// How many commits the log holds.
    pub(super) async fn commits(&self) -> u64 {
        let context = async_nats::jetstream::new(self.server.client().await);
        let mut stream = context.get_stream("EVENTS").await.unwrap();
        stream.info().await.unwrap().state.last_sequence
    }
}

/// Where it answers over HTTP.
async fn address(service: &mut Service) -> String {
    let line = service.line("http").await.unwrap();
    let (_, address) = line.split_once("http://").unwrap();
    address.split_whitespace().next().unwrap().trim_end_matches('/').to_owned()
}
