//! The routes that any context has, asked by somebody who may do little.

use gateway::access::{AccessFile, ApiKey, Roles};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::house::{Setting, entry, open};
use crate::kit::Stand;

const BODY: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

async fn ask(stand: &Stand, key: &ApiKey, method: Method, path: &str) -> (StatusCode, Value) {
    let request = stand.http.request(method, stand.serving.url() + path);
    let request = request.bearer_auth(key.reveal()).header("user-id", "somebody-else");
    let request = request.header("content-type", "application/json").body(BODY);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

/// A gateway with two keys: one that may do a little, and one that may do all.
async fn stand() -> (Stand, ApiKey, ApiKey) {
    let (little, all) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
    let roles: Roles = serde_json::from_value(json!({"little": {
        "commands": ["person.ada.create-person"],
        "queries": ["people.get"],
        "histories": ["person.ada"],
    }}))
    .unwrap();
    let keys = vec![entry(&little, "little"), entry(&all, "admin")];
    let file = AccessFile { keys, roles, jwt: None };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.json");
    std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    let access = open(path, Setting::default()).await.unwrap();
    let guard = move |routes| access.guard(routes);
    (Stand::start_as(|gateway| gateway.guarded(guard)).await, little, all)
}

#[tokio::test]
async fn what_is_not_granted_reaches_nothing() {
    let (stand, little, all) = stand().await;
    for (method, path, missing) in [
        (Method::POST, "/v1/commands/person/eve/create-person", "person.eve.create-person"),
        (Method::POST, "/v1/commands/person/ada/archive", "person.ada.archive"),
        (Method::GET, "/v1/commands/some-command", "the query commands.result"),
        (Method::GET, "/v1/people/list", "the query people.list"),
        (Method::GET, "/v1/handlers/status?position=1&index=0", "the query handlers.status"),
        (Method::GET, "/v1/aggregates/person/eve", "the history person.eve"),
        (Method::GET, "/v1/aggregates/person/eve/events", "the history person.eve"),
        (Method::GET, "/v1/aggregates/person/eve/export", "the history person.eve"),
        (Method::GET, "/v1/events", "the history *.*"),
        (Method::GET, "/v1/events?aggregate=person", "the history person.*"),
        (Method::GET, "/v1/events?aggregate=person&id=eve", "the history person.eve"),
    ] {
        let (status, body) = ask(&stand, &little, method, path).await;
        assert_eq!((status.as_u16(), &body["code"]), (403, &json!("forbidden")), "{path}: {body}");
        assert!(body["detail"].as_str().unwrap().contains(missing), "{path}: {body}");
        assert!(body["request_id"].is_string(), "{body}");
    }
    let (status, _) = ask(&stand, &all, Method::GET, "/v1/aggregates/person/eve").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nothing was appended");
    let anonymous = stand.get("/v1/people/get?key=ada").await;
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stand.get("/nowhere").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stand.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_user_of_a_command_is_who_asked_whatever_the_headers_say() {
    let (stand, little, _) = stand().await;
    let path = "/v1/commands/person/ada/create-person";
    let (status, body) = ask(&stand, &little, Method::POST, path).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let history = "/v1/aggregates/person/ada/events";
    let (_, history) = ask(&stand, &little, Method::GET, history).await;
    let event = history["events"][0].to_string();
    assert!(event.contains(&format!("key:{}", little.id())), "{event}");
    assert!(!event.contains("somebody-else"), "{event}");
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_key_that_opened_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.json");
    let (one, other) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
    let keys = vec![entry(&one, "admin"), entry(&other, "admin")];
    let mut file = AccessFile { keys, ..AccessFile::default() };
    std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    let access = open(path.clone(), Setting::default()).await.unwrap();
    let stand =
        Stand::start_as(|gateway| gateway.guarded(move |routes| access.guard(routes))).await;
    let stream = async |key: &ApiKey| {
        let request = stand.http.get(stand.serving.url() + "/v1/events");
        let answer = request.bearer_auth(key.reveal()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    };
    let (mut ends, mut goes_on) = (stream(&one).await, stream(&other).await);
    file.keys[0].revoked = true;
    let draft = folder.path().join("draft");
    std::fs::write(&draft, serde_json::to_vec(&file).unwrap()).unwrap();
    std::fs::rename(draft, path).unwrap();
    let ended = async { while ends.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(tests::LIMIT, ended).await.expect("the stream ends");
    let (status, body) =
        ask(&stand, &other, Method::POST, "/v1/commands/person/ada/create-person").await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let heard = async {
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains("person.person-created") {
            text.extend(goes_on.chunk().await.unwrap().expect("the other stream goes on"));
        }
    };
    tokio::time::timeout(tests::LIMIT, heard).await.expect("the other stream tells");
}
