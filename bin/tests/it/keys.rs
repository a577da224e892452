//! `headwater keys`, and what its keys open.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;
use tests::{LIMIT, eventually};

use crate::kit::{Finished, Installation, binary, finish};

async fn keys(data: &Path, arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.arg("keys").args(arguments).env("HEADWATER_DATA", data);
    finish(command, "").await
}

/// Asks over HTTP for what only those who are let in learn: that there is no such route.
async fn status(installation: &Installation, key: &str) -> u16 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/nowhere", installation.dev.http);
    let asked = reqwest::Client::new().get(url).bearer_auth(key).send().await.unwrap();
    asked.status().as_u16()
}

#[tokio::test]
async fn a_key_is_made_listed_and_taken_back_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["create", "--name", "shop", "--role", "client", "--expires", "2127-01-31"];
    let made = keys(folder.path(), &create).await;
    let (key, rest) = made.ok().split_once('\n').unwrap();
    let id = key.strip_prefix("hw_").unwrap().split('_').next().unwrap();
    assert!(rest.contains(id) && rest.contains("not shown again"), "{rest}");
    let file = folder.path().join("access.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = key.rsplit('_').next().unwrap();
    assert!(!fs::read_to_string(&file).unwrap().contains(secret));

    let listed = keys(folder.path(), &["list", "--json"]).await.json().remove(0);
    assert_eq!(listed["id"], id);
    assert_eq!(listed["roles"], serde_json::json!(["client"]));
    assert_eq!(
        (&listed["state"], &listed["expires"]),
        (&"valid".into(), &"2127-01-31T00:00:00Z".into())
    );
    assert!(listed.get("hash").is_none());

    assert_eq!(keys(folder.path(), &["revoke", id]).await.ok(), format!("revoked {id}\n"));
    assert!(keys(folder.path(), &["list"]).await.ok().contains("revoked"));
    assert_eq!(keys(folder.path(), &["revoke", "0123456789ab"]).await.code, Some(5));
}

#[tokio::test]
async fn what_is_wrong_about_a_key_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["create", "--name", "shop", "--role", "boss"][..], "there is admin, catalogue, client"),
        (&["create", "--name", "", "--role", "client"], "the name of the key"),
        (&["create", "--name", "shop"], "--role"),
        (&["create", "--name", "a", "--role", "client", "--expires", "soon"], "2027-01-31"),
        (&["revoke", "HW_"], "the id of a key is"),
    ] {
        let refused = keys(folder.path(), arguments).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    assert!(!folder.path().join("access.json").exists());
    fs::write(folder.path().join("access.json"), r#"{"keys":7}"#).unwrap();
    let broken = keys(folder.path(), &["list"]).await;
    assert_eq!(broken.code, Some(2));
    assert!(broken.stderr.contains("/keys: expected an array"), "{broken:?}");
}

#[tokio::test]
async fn dev_makes_a_key_that_opens_it_and_so_do_keys_made_later() {
    let installation = Installation::start().await;
    let path = installation.data.path().join("key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let own = fs::read_to_string(path).unwrap();
    assert_eq!(status(&installation, own.trim()).await, 404);
    assert_eq!(status(&installation, "hw_0123456789ab_guessed").await, 401);

    let create = ["create", "--name", "late", "--role", "reader", "--json"];
    let made: Value = keys(installation.data.path(), &create).await.json().remove(0);
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    eventually("the new key is taken", LIMIT, async || {
        (status(&installation, key).await == 404).then_some(())
    })
    .await;
    keys(installation.data.path(), &["revoke", id]).await.ok();
    eventually("the key is refused", LIMIT, async || {
        (status(&installation, key).await == 401).then_some(())
    })
    .await;
    assert_eq!(status(&installation, own.trim()).await, 404);
}

#[tokio::test]
async fn nobody_serves_http_without_an_access_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(["serve", "--roles", "http", "--http", "127.0.0.1:0", "--access", "nowhere.json"]);
    command.env("HEADWATER_DATA", folder.path());
    let refused = finish(command, "").await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("headwater keys create"), "{refused:?}");
}
