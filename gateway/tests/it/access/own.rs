//! Callers who reach only what they have begun themselves.

use gateway::access::{AccessFile, ApiKey, KeyEntry, Roles};
use infrastructure::{client::Client, request::CommandRequest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{Setting, entry, open};
use crate::kit::{CREATE, Stand};

const CREATE_ONE: &str = "/v1/commands/person/one/create-person";
const TAG_ONE: &str = "/v1/commands/person/one/tag";
const TAG: &str = r#"{"tag":"vip"}"#;

/// A gateway, and the keys of two callers, of one who took the place of the first, and of the staff.
struct Town {
    stand: Stand,
    ada: ApiKey,
    eve: ApiKey,
    ada_again: ApiKey,
    staff: ApiKey,
}

impl Town {
    async fn start() -> Self {
        let [ada, eve, ada_again, staff] = [(); 4].map(|()| ApiKey::generate().unwrap());
        let own = json!({
            "commands": ["person.*.*"], "queries": ["people.*"], "histories": ["person.*"],
        });
        let mut roles = json!({"own": own, "staff": own});
        roles["own"]["own"] = json!({"person": "key"});
        let roles: Roles = serde_json::from_value(roles).unwrap();
        let owner = Some(ada.id().clone());
        let keys = vec![
            entry(&ada, "own"),
            entry(&eve, "own"),
            KeyEntry { owner, ..entry(&ada_again, "own") },
            entry(&staff, "staff"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        let file = AccessFile { keys, roles, jwt: None };
        std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
        let access = open(path, Setting::default()).await.unwrap();
        let guard = move |routes| access.guard(routes);
        let stand = Stand::start_as(|gateway| gateway.guarded(guard)).await;
        Self { stand, ada, eve, ada_again, staff }
    }

    async fn ask(
        &self,
        key: &ApiKey,
        (method, path): (Method, &str),
        body: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = self.stand.http.request(method, self.stand.serving.url() + path);
        let request = request.bearer_auth(key.reveal()).header("content-type", "application/json");
        let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        let request = headers.iter().fold(request, add).body(body.to_owned());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        if answer.headers()["content-type"] == "text/event-stream" {
            return (status, Value::Null);
        }
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn post(&self, key: &ApiKey, path: &str, body: &str) -> (u16, Value) {
        self.ask(key, (Method::POST, path), body, &[]).await
    }

    async fn get(&self, key: &ApiKey, path: &str) -> (u16, Value) {
        self.ask(key, (Method::GET, path), "", &[]).await
    }
}

#[tokio::test]
async fn what_another_has_begun_is_reached_in_no_way() {
    let town = Town::start().await;
    assert_eq!(town.post(&town.ada, CREATE_ONE, CREATE).await.0, 201);
    let end = town.stand.end().await;
    let adas = format!("key:{}", town.ada.id());
    for headers in [
        &[][..],
        &[("user-id", adas.as_str())],
        &[("prefer", "respond-async")],
        &[("if-match", "\"1\"")],
        &[("if-none-match", "*")],
        &[("idempotency-key", "hers")],
    ] {
        let (status, body) = town.ask(&town.eve, (Method::POST, TAG_ONE), TAG, headers).await;
        assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{headers:?}: {body}");
    }
    for path in [
        "/v1/aggregates/person/one",
        "/v1/aggregates/person/one/events",
        "/v1/aggregates/person/one/export",
        "/v1/events?aggregate=person&id=one",
        "/v1/events?aggregate=person",
        "/v1/events",
        "/v1/people/get?key=one",
        "/v1/people/list",
        "/v1/people/list?where.family=lovelace",
        // Nobody learns what is there.
        "/v1/aggregates/person/nobody",
        "/v1/people/get?key=nobody",
    ] {
        let (status, body) = town.get(&town.eve, path).await;
        assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{path}: {body}");
    }
    assert_eq!(town.stand.end().await, end, "nothing was appended");
}

#[tokio::test]
async fn what_one_has_begun_oneself_is_reached_also_with_the_next_key_and_by_the_staff() {
    let town = Town::start().await;
    assert_eq!(town.post(&town.ada, CREATE_ONE, CREATE).await.0, 201);
    for (number, key) in [&town.ada, &town.ada_again, &town.staff].into_iter().enumerate() {
        let tag = format!(r#"{{"tag":"tag-{number}"}}"#);
        let (status, reply) = town.post(key, TAG_ONE, &tag).await;
        assert_eq!((status, &reply["status"]), (200, &json!("committed")), "{reply}");
        let query = format!("/v1/people/get?key=one&wait_ms=20000&after={}", reply["position"]);
        for path in [
            "/v1/aggregates/person/one",
            "/v1/aggregates/person/one/events",
            "/v1/aggregates/person/one/export",
            "/v1/events?aggregate=person&id=one",
            &query,
        ] {
            assert_eq!(town.get(key, path).await.0, 200, "{path}");
        }
    }
    assert_eq!(town.get(&town.staff, "/v1/people/list").await.0, 200);
    assert_eq!(town.get(&town.staff, "/v1/events?aggregate=person").await.0, 200);
}

#[tokio::test]
async fn what_was_begun_for_nobody_is_the_staffs_alone() {
    let town = Town::start().await;
    let client = Client::new(town.stand.server.client().await);
    let request = CommandRequest::new("person", "one".parse().unwrap(), "create-person", CREATE);
    client.send(&request).await.unwrap();
    assert_eq!(town.post(&town.ada, TAG_ONE, TAG).await.0, 403);
    assert_eq!(town.post(&town.staff, TAG_ONE, TAG).await.0, 200);
}

#[tokio::test]
async fn of_two_who_begin_the_same_at_once_one_has_it() {
    let town = Town::start().await;
    for round in 0..20 {
        let (create, tag) = (format!("/v1/commands/person/p{round}/create-person"), TAG);
        let (ada, eve) = tokio::join!(
            town.post(&town.ada, &create, CREATE),
            town.post(&town.eve, &create, CREATE)
        );
        let (owner, other) = match (ada.0, eve.0) {
            (201, 403 | 409) => (&town.ada, &town.eve),
            (403 | 409, 201) => (&town.eve, &town.ada),
            both => unreachable!("{both:?} {ada:?} {eve:?}"),
        };
        let path = format!("/v1/commands/person/p{round}/tag");
        assert_eq!(town.post(owner, &path, tag).await.0, 200);
        assert_eq!(town.post(other, &path, tag).await.0, 403);
    }
}

#[tokio::test]
async fn a_command_to_what_nobody_has_begun_insists_on_being_the_first() {
    let town = Town::start().await;
    let ask = |headers| town.ask(&town.ada, (Method::POST, CREATE_ONE), CREATE, headers);
    assert_eq!(ask(&[("if-match", "\"1\"")]).await.0, StatusCode::PRECONDITION_FAILED);
    assert_eq!(ask(&[("if-none-match", "*")]).await.0, StatusCode::CREATED);
}
