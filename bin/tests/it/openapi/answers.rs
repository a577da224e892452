//! Real answers of the built service, each held against what the description says of its route.

use std::path::Path;

use headwater::http::description;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Delivery, Endpoint, FakeStripe};

use super::{folder, own_key};
use crate::{
    kit::{Dev, Installation, finish},
    python::python,
};

const SECRET: &str = "whsec_test";
const APPLICATIONS: &str = "/api/design-applications";
const APPLICATION: &str = "/api/design-applications/{id}";
const INTENT: &str = "/api/create-payment-intent";
/// Below these, every operation is asked.
const COMPLETE: [&str; 4] = ["/api/", "/rest/", "/v1/design-", "/v1/aggregates/"];

/// A service, and what it has answered.
struct Asked {
    installation: Installation,
    stripe: FakeStripe,
    http: reqwest::Client,
    key: String,
    answers: Vec<Value>,
}

impl Asked {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (data, stripe) = (tempfile::tempdir().unwrap(), FakeStripe::start().await);
        let file = |name: &str, text: &str| {
            let path = data.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (key, secret) = (file("stripe-key", FakeStripe::KEY), file("stripe-secret", SECRET));
        let url = stripe.url();
        let environment = [
            ("HEADWATER_STRIPE_KEY_FILE", key.as_str()),
            ("HEADWATER_STRIPE_WEBHOOK_SECRET_FILE", &secret),
            ("HEADWATER_STRIPE_API", &url),
        ];
        let dev = Dev::start_with(data.path(), &environment).await;
        let installation = Installation { dev, data };
        let (key, http) = (own_key(&installation), reqwest::Client::new());
        Self { installation, stripe, http, key, answers: Vec::new() }
    }

    /// Asks `asked` on the path `path` of the description, and keeps the answer.
    async fn ask(
        &mut self,
        (method, path, asked): (Method, &str, &str),
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = format!("{}{asked}", self.installation.dev.http);
        let mut request = self.http.request(method.clone(), url).bearer_auth(&self.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap());
        let kind = kind.unwrap_or_default().to_owned();
        let text = answer.text().await.unwrap();
        let body = match text.as_str() {
            "" => Value::Null,
            text if kind.contains("json") && !kind.contains("ndjson") => {
                serde_json::from_str(text).unwrap()
            }
            text => text.into(),
        };
        self.keep(&method, path, status, &kind, &body);
        (status, body)
    }

    fn keep(&mut self, method: &Method, path: &str, status: u16, kind: &str, body: &Value) {
        let method = method.as_str().to_ascii_lowercase();
        self.answers.push(json!({
            "method": method, "path": path, "status": status, "type": kind, "body": body,
        }));
    }

    async fn get(&mut self, path: &str, asked: &str) -> (u16, Value) {
        self.ask((Method::GET, path, asked), &[], None).await
    }

    async fn post(&mut self, path: &str, asked: &str, body: Value) -> (u16, Value) {
        self.ask((Method::POST, path, asked), &[], Some(body)).await
    }

    /// Holds all answers against the description.
    async fn check(self) {
        let mut validator = python(&folder().join("requirements.txt"), "openapi-packages").await;
        validator.arg(Path::new(&folder()).join("answers.py"));
        let document = description().document();
        let given = json!({"document": document, "answers": self.answers, "complete": COMPLETE});
        let finished = finish(validator, &given.to_string()).await;
        assert!(finished.ok().contains(" operations\n"), "{finished:?}");
    }
}

/// An application, from its beginning on; its id.
async fn applications(asked: &mut Asked) -> String {
    let product = json!({"name": "Poster", "prices": {"eur": 4990}});
    let path = "/v1/commands/product/{id}/create-product";
    let made = asked.post(path, "/v1/commands/product/poster/create-product", product).await;
    assert_eq!(made.0, 201, "{made:?}");
    let application = json!({
        "product_id": "poster", "design_code": "D-7", "email": "ada@example.org",
        "answers": [{"question_id": "colour", "text": "Green", "options": {"shade": 3}}],
    });
    let mut id = String::new();
    for status in [201, 200] {
        let post = (Method::POST, APPLICATIONS, APPLICATIONS);
        let key = [("idempotency-key", "first")];
        let (was, made) = asked.ask(post, &key, Some(application.clone())).await;
        assert_eq!(was, status, "{made}");
        id = made["id"].as_str().unwrap().to_owned();
    }
    let this = format!("{APPLICATIONS}/{id}");
    let more = json!({"answers": [{"question_id": "size", "text": "Large"}]});
    for (path, body, status) in [
        (this.clone(), more.clone(), 200),
        (this.clone(), json!({"answers": [{"question_id": "empty"}]}), 422),
        (format!("{APPLICATIONS}/nobody"), more, 404),
    ] {
        let (was, said) = asked.post(APPLICATION, &path, body).await;
        assert_eq!(was, status, "{said}");
    }
    let other = json!({"product_id": "nothing"});
    assert_eq!(asked.post(APPLICATIONS, APPLICATIONS, other).await.0, 422);
    assert_eq!(asked.post(APPLICATIONS, APPLICATIONS, json!({"prize": 1})).await.0, 400);
    assert_eq!(asked.get(APPLICATION, &this).await.0, 200);
    assert_eq!(asked.get(APPLICATION, &format!("{APPLICATIONS}/nobody")).await.0, 404);
    let (_, listed) = asked.get(APPLICATIONS, &format!("{APPLICATIONS}?limit=1")).await;
    assert_eq!(listed["applications"][0]["id"], id.as_str(), "{listed}");
    id
}

/// A payment of the request `id`, and what Stripe tells of it.
async fn payments(asked: &mut Asked, id: &str) {
    for (body, status) in [
        (json!({"request_id": id}), 200),
        (json!({"applicationId": id, "currency": "eur"}), 200),
        (json!({"applicationId": id, "request_id": id}), 400),
        (json!({"currency": "eur"}), 400),
        (json!({"request_id": "nobody"}), 404),
    ] {
        let (was, said) = asked.post(INTENT, INTENT, body).await;
        assert_eq!(was, status, "{said}");
    }
    let intent = asked.stripe.intents().remove(0);
    let paid = asked.stripe.pay(&intent);
    let address = asked.installation.dev.http.trim_start_matches("http://").to_owned();
    let endpoint = Endpoint { address, secret: SECRET.to_owned() };
    for (delivery, status) in [(Delivery::Right, 200), (Delivery::Forged, 400)] {
        let (was, said) = endpoint.send_as(&paid, delivery).await.unwrap();
        assert_eq!(was, status, "{said}");
        let kind = if status == 200 { "" } else { "application/problem+json" };
        asked.keep(&Method::POST, Endpoint::PATH, status, kind, &said);
    }
}

/// What a client of supabase-js asks about the request `id`.
async fn supabase(asked: &mut Asked, id: &str) {
    let table = "/rest/v1/design_requests";
    let representation = ("prefer", "return=representation");
    for (headers, status) in [
        (&[representation][..], 201),
        (&[representation, ("accept", "application/vnd.pgrst.object+json")], 201),
        (&[], 201),
    ] {
        let row = json!({"product_id": "poster", "design_code": "D-7"});
        let (was, said) = asked.ask((Method::POST, table, table), headers, Some(row)).await;
        assert_eq!(was, status, "{said}");
    }
    assert_eq!(asked.post(table, table, json!({"is_admin": true})).await.0, 400);
    let (event, answer) =
        ("/rest/v1/rpc/add_design_request_event", "/rest/v1/rpc/add_design_request_answer_history");
    let cancelled = |id: &str| json!({"p_request_id": id, "p_event_type": "REQUEST_CANCELLED"});
    let answered =
        |id: &str| json!({"p_request_id": id, "p_question_id": "colour", "p_answer_text": "Red"});
    for (id, status) in [(id, 200), ("nobody", 404)] {
        for (path, body) in [(answer, answered(id)), (event, cancelled(id))] {
            let (was, said) = asked.post(path, path, body).await;
            assert_eq!(was, status, "{said}");
        }
    }
    let paths = description().document()["paths"].clone();
    let tables = paths.as_object().unwrap().iter();
    for (path, _) in tables.filter(|(path, it)| path.starts_with("/rest/") && it["get"].is_object())
    {
        let of = if path == table { "id" } else { "request_id" };
        let (was, rows) = asked.get(path, &format!("{path}?{of}=eq.{id}")).await;
        assert!(was == 200 && !rows.as_array().unwrap().is_empty(), "{path}: {rows}");
        let some = format!("{path}?{of}=eq.{id}&limit=0");
        asked.ask((Method::GET, path, &some), &[("prefer", "count=exact")], None).await;
        assert_eq!(asked.get(path, &format!("{path}?{of}=eq.{id}&no_column=eq.1")).await.0, 400);
    }
}

/// What is asked of any aggregate and any projection, with the request `id` as an example.
async fn general(asked: &mut Asked, id: &str) {
    let path = "/v1/commands/design/{id}/cancel-request";
    let command = format!("/v1/commands/design/{id}/cancel-request");
    let later = [("prefer", "respond-async")];
    let (was, taken) =
        asked.ask((Method::POST, path, &command), &later, Some(json!({"reason": "x"}))).await;
    assert_eq!(was, 202, "{taken}");
    let place = format!("/v1/commands/{}", taken["command_id"].as_str().unwrap());
    asked.get("/v1/commands/{command_id}", &place).await;
    let (was, reply) = asked.post(path, &command, json!({})).await;
    assert_eq!(was, 200, "{reply}");
    for below in ["", "/events", "/export"] {
        let path = format!("/v1/aggregates/{{aggregate}}/{{id}}{below}");
        for (id, status) in [(id, 200), ("nobody", 404)] {
            let (was, said) = asked.get(&path, &format!("/v1/aggregates/design/{id}{below}")).await;
            assert_eq!(was, status, "{path}: {said}");
        }
    }
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(asked.get(path, path).await.0, 200, "{path}");
    }
    let document = description().document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let (Some(parts), Some(get)) = (path.strip_prefix("/v1/"), item.get("get")) else {
            continue;
        };
        if parts.contains('{') || parts.split('/').count() != 2 {
            continue;
        }
        let needed = get["parameters"].as_array().unwrap().iter();
        let given = needed.filter(|parameter| parameter["required"] == true).map(|parameter| {
            let name = parameter["name"].as_str().unwrap();
            let first = parameter["schema"]["enum"][0].as_str();
            format!("&{name}={}", first.unwrap_or(id))
        });
        let query = format!("{path}?after={}&wait_ms=30000", reply["position"]);
        asked.get(path, &(query + &given.collect::<String>())).await;
    }
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let mut asked = Asked::start().await;
    let id = applications(&mut asked).await;
    payments(&mut asked, &id).await;
    supabase(&mut asked, &id).await;
    general(&mut asked, &id).await;
    asked.check().await;
}
