//! Personal data behind a backup: the keys come with it, and without the master key they open nothing.

use std::{collections::BTreeMap, fs};

use async_nats::jetstream;
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::json;
use tests::{LIMIT, Server, eventually};

use super::{World, end, run, serve_with, text};

/// The bucket `KEYS` as it is.
async fn keys(server: &Server) -> BTreeMap<String, Bytes> {
    let context = jetstream::new(server.client().await);
    let bucket = context.get_key_value("KEYS").await.unwrap();
    let names: Vec<String> = bucket.keys().await.unwrap().try_collect().await.unwrap();
    let mut keys = BTreeMap::new();
    for name in names {
        let value = bucket.get(&name).await.unwrap().unwrap();
        keys.insert(name, value);
    }
    keys
}

fn is_destroyed(keys: &BTreeMap<String, Bytes>, name: &str) -> bool {
    keys.get(name).is_some_and(|it| String::from_utf8_lossy(it).contains("\"destroyed\""))
}

#[tokio::test]
async fn what_is_sealed_is_read_after_a_restore_with_the_master_key_that_it_had_and_no_other() {
    let mut world = World::start().await;
    let (secret, master) = (world.path("secret"), world.path("master-key"));
    fs::write(&secret, [7; 32]).unwrap();
    fs::write(&master, "08".repeat(32)).unwrap();
    let with_it = ["--master-key-file", text(&master)];
    // It had none before, and goes on with one.
    assert!(world.service.stop().await);
    world.service = serve_with(&world.server, &world.sink, "filed", &with_it).await;
    for id in ["ada", "bob"] {
        let body = json!({"email": format!("{id}@example.org")}).to_string();
        world.send(["design", id, "create-request"], &body, &[]).await;
    }
    let before = end(&world.server).await.to_string();
    world.send(["design", "bob", "erase-personal-data"], "{}", &[]).await;
    eventually("the key is destroyed", LIMIT, async || {
        is_destroyed(&keys(&world.server).await, "design.bob").then_some(())
    })
    .await;
    let folder = world.backup("backup").await;
    let old = keys(&world.server).await;
    assert!(old.contains_key("design.ada") && !is_destroyed(&old, "design.ada"), "{old:?}");
    assert!(world.service.stop().await);

    let server = Server::start().await;
    run(&server, &["restore", text(&folder)]).await.ok();
    assert_eq!(keys(&server).await, old, "as they were");
    let wrong = world.path("wrong");
    fs::write(&wrong, "09".repeat(32)).unwrap();
    let other = ["serve", "--secret-file", text(&secret), "--master-key-file", text(&wrong)];
    let refused = run(&server, &other).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("master-key-differs"), "{refused:?}");

    let _service = serve_with(&server, &world.sink, "two", &with_it).await;
    settled_row(&server, "ada", r#""email":"ada@example.org""#).await;
    settled_row(&server, "bob", r#""email":null"#).await;

    let early = Server::start().await;
    run(&early, &["restore", text(&folder), "--until", &before]).await.ok();
    assert_eq!(keys(&early).await, old, "what is destroyed stays destroyed");
}

/// Waits until the row of the request has `text` in it.
async fn settled_row(server: &Server, id: &str, text: &str) {
    let id = format!("request_id={id}");
    let query = ["query", "design-requests", "current-state", "--param", &id, "--json"];
    eventually(&format!("{id} has {text}"), LIMIT, async || {
        run(server, &query).await.stdout.contains(text).then_some(())
    })
    .await;
}
