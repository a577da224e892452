//! API keys: good ones, wrong ones, and files that change.

use std::time::Duration;

use chrono::Utc;
use gateway::access::ApiKey;
use tests::{LIMIT, eventually};

use super::house::{House, Setting, entry, open};

#[tokio::test]
async fn a_key_is_taken_in_each_header_and_goes_no_further() {
    let (house, key) = House::with_key("payments").await;
    let (text, user) = (key.reveal(), format!("key:{}", key.id()));
    let bearer = format!("Bearer {text}");
    for header in [("authorization", bearer.as_str()), ("x-api-key", &text), ("apikey", &text)] {
        let answer = house.ask(&[header, ("user-id", "somebody-else")]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["user"], user);
        assert_eq!(answer.body["caller"], user);
        assert_eq!(answer.body["payments"], true);
        assert_eq!(answer.body["credentials_left"], 0);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn who_shows_nothing_is_told_how_to() {
    let (house, _) = House::with_key("admin").await;
    let answer = house.ask(&[]).await;
    answer.refused(401, "unauthenticated", "Authorization (Bearer)");
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="headwater""#);
    // Whether a path is there is nobody's business either.
    let unknown = house.http.get(format!("{}/nowhere", house.url)).send().await.unwrap();
    assert_eq!(unknown.status(), 401);
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_id_are_refused_alike() {
    let (house, key) = House::with_key("admin").await;
    let wrong_secret = format!("hw_{}_{}", key.id(), "0".repeat(64));
    let unknown = ApiKey::generate().unwrap().reveal();
    let mut said = Vec::new();
    for text in [wrong_secret, unknown] {
        let answer = house.bearer(&text).await;
        answer.refused(401, "unauthenticated", "there is no such key");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        said.push((answer.body, answer.headers.len()));
    }
    assert_eq!(said[0], said[1]);
    for text in ["hw_", "hw_x", "hw_ABC_def"] {
        house.bearer(text).await.refused(401, "unauthenticated", "the key cannot be read");
    }
    house.ask(&[("authorization", "Basic YTpi")]).await.refused(401, "unauthenticated", "read");
    house.bearer("a.b.c").await.refused(401, "unauthenticated", "no tokens are taken here");
}

#[tokio::test]
async fn a_command_without_a_grant_is_refused_by_name() {
    let (house, key) = House::with_key("payments").await;
    assert_eq!(house.command(&key, "design/42/record-payment").await.status, 200);
    let refused = house.command(&key, "design/42/cancel-request").await;
    refused.refused(403, "forbidden", "the command design.42.cancel-request is not granted");
    refused.refused(403, "forbidden", "the roles here: payments");
}

#[tokio::test]
async fn a_revoked_key_stops_and_a_new_one_starts_without_a_restart() {
    let (mut house, key) = House::with_key("admin").await;
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    let next = ApiKey::generate().unwrap();
    house.file.keys.push(entry(&next, "admin"));
    house.file.keys[0].revoked = true;
    house.save();
    let refused = house.until(&key.reveal(), 401).await;
    refused.refused(401, "unauthenticated", "the key was revoked");
    assert_eq!(house.bearer(&next.reveal()).await.status, 200);
    // A key that is no longer in the file is as good as one that never was.
    house.file.keys.remove(1);
    house.save();
    house.until(&next.reveal(), 401).await.refused(401, "unauthenticated", "there is no such key");
}

#[tokio::test]
async fn a_key_with_a_new_hash_is_verified_anew() {
    let (mut house, key) = House::with_key("admin").await;
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    house.file.keys[0].hash = ApiKey::generate().unwrap().hash().unwrap();
    house.save();
    house.until(&key.reveal(), 401).await.refused(401, "unauthenticated", "there is no such key");
}

#[tokio::test]
async fn roles_are_those_of_the_file_as_it_is_now() {
    let (mut house, key) = House::with_key("admin").await;
    assert_eq!(house.command(&key, "design/42/cancel-request").await.status, 200);
    house.file.keys[0].roles = ["payments".to_owned()].into();
    house.save();
    eventually("the role is taken back", LIMIT, async || {
        let answer = house.command(&key, "design/42/cancel-request").await;
        (answer.status == 403).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_ends_at_its_time_though_it_was_verified_before() {
    let (mut house, key) = House::with_key("admin").await;
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    house.file.keys[0].expires = Some(Utc::now() + Duration::from_secs(3));
    house.save();
    house.until(&key.reveal(), 401).await.refused(401, "unauthenticated", "the key has expired");
}

#[tokio::test]
async fn a_broken_file_keeps_what_was_known_until_it_is_right_again() {
    let (mut house, key) = House::with_key("admin").await;
    for text in ["", "{", r#"{"keys":[{}]}"#, r#"{"key":[]}"#] {
        house.write(text);
        assert_eq!(house.bearer(&key.reveal()).await.status, 200, "{text:?}");
    }
    std::fs::remove_file(house.folder.path().join("access.json")).unwrap();
    assert_eq!(house.bearer(&key.reveal()).await.status, 200);
    house.file.keys[0].revoked = true;
    house.save();
    house.until(&key.reveal(), 401).await;
}

#[tokio::test]
async fn nothing_starts_with_a_file_that_is_not_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.json");
    let refused = async || open(path.clone(), Setting::default()).await.unwrap_err();
    assert!(refused().await.contains("cannot read the access file"));
    for (text, expected) in [
        ("{", "this is not JSON"),
        (r#"{"keys":{}}"#, "/keys: expected an array"),
        (r#"{"roles":{"a":{"commands":["*"]}}}"#, "/roles/a/commands/0"),
        (r#"{"jwt":{"issuer":"i","audiences":["a"],"jwks":"http://example.org"}}"#, "/jwt/jwks"),
    ] {
        std::fs::write(&path, text).unwrap();
        let said = refused().await;
        assert!(said.contains("is not right") && said.contains(expected), "{said}");
    }
}
