//! A backup made under traffic, restored elsewhere: everything is as it was, and goes on.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use async_nats::jetstream;
use futures::future::join_all;
use infrastructure::{client::Client, request::CommandRequest};
use serde_json::json;
use tests::{History, LIMIT, Server, eventually};

use super::{ADA, DRIVER, World, alone, last_of, log, parked, rows, run, serve, settled, text};

/// The timers that wait for ada and bob.
async fn timers(server: &Server) -> BTreeSet<String> {
    let listed = run(server, &["timers", "list", "--json"]).await.json();
    let theirs = listed.iter().filter(|it| it["id"] == "ada" || it["id"] == "bob");
    theirs
        .map(|it| format!("{} {} {} {}", it["aggregate"], it["id"], it["name"], it["at"]))
        .collect()
}

/// Makes people as long as `busy`, many at once: at each moment of a copy something moves.
async fn traffic(server: &Server, busy: &AtomicBool) -> usize {
    let (client, mut made) = (Client::new(server.client().await), 0);
    while busy.load(Ordering::Relaxed) {
        let sent = (made..made + 32).map(|at| {
            let id = format!("walker-{at}").parse().unwrap();
            let request = CommandRequest::new("person", id, "create-person", ADA);
            let client = client.clone();
            async move { client.send(&request).await.unwrap().position }
        });
        made += join_all(sent).await.len();
    }
    made
}

#[tokio::test]
async fn a_backup_made_under_traffic_comes_back_elsewhere_and_goes_on() {
    let mut world = World::start().await;
    for id in ["ada", "bob"] {
        world.person(id).await;
    }
    world.unreadable("grace").await;
    world.mails(2).await;
    let queue = jetstream::new(world.server.client().await);
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Command-Id", "durable-1");
    let subject = "enqueue.person.carol.create-person".to_owned();
    queue.publish_with_headers(subject, headers, ADA.into()).await.unwrap().await.unwrap();
    let asked = ["query", "commands", "result", "--param", "command_id=durable-1", "--json"];
    eventually("the durable command has ended", LIMIT, async || {
        world.run(&asked).await.stdout.contains("committed").then_some(())
    })
    .await;
    let outcome = world.run(&asked).await.ok().to_owned();

    let busy = AtomicBool::new(true);
    let (made, folder) = tokio::join!(traffic(&world.server, &busy), async {
        let folder = world.backup("backup").await;
        busy.store(false, Ordering::Relaxed);
        folder
    });
    assert!(made > 0, "something came meanwhile");
    let last = last_of(&folder).await;
    world.settled().await;
    let sent: BTreeSet<String> = world.sink.received().iter().map(id).collect();
    let mails = world.sink.received().len();
    assert_eq!(sent.len(), mails, "none was sent twice here");
    let (before, waiting) = (log(&world.server, last).await, timers(&world.server).await);
    let people = rows(&world.server, "people", last).await;
    assert!(world.service.stop().await);

    let server = Server::start().await;
    let restored = run(&server, &["restore", text(&folder), "--json"]).await.json().remove(0);
    assert_eq!((&restored["position"], &restored["compared"]), (&json!(last), &json!(last)));
    assert_eq!(log(&server, last).await, before, "the same messages at the same positions");

    let _service = serve(&server, &world.sink, "two").await;
    settled(&server).await;
    assert_eq!(rows(&server, "people", last).await, people);
    let history = History::read(&server.client().await).await;
    history.assert_sound();
    let after: BTreeSet<String> = world.sink.received().iter().map(id).collect();
    assert_eq!(after.len(), world.sink.received().len(), "no mail was sent twice");
    assert!(after.is_superset(&sent));
    assert!(!waiting.is_empty());
    assert_eq!(timers(&server).await, waiting, "every timer waits");
    assert_eq!(run(&server, &asked).await.ok(), outcome);

    assert_eq!(parked(&server).await, ["grace"], "what stood still stands still");
    let discard =
        ["dlq", "discard", DRIVER, "person", "grace", "--why", "a test", "--yes", "--wait"];
    run(&server, &discard).await.ok();
    run(&server, &["events", "onboarding", "grace"]).await.ok();

    let again =
        ["send", "person", "ada", "create-person", "--json", ADA, "--command-id", "ada-made"];
    let again = run(&server, &[&again[..], &["--output", "json"]].concat()).await.json().remove(0);
    assert_eq!((&again["status"], &again["version"]), (&json!("replayed"), &json!(1)));
    let tag = ["send", "person", "ada", "tag", "--json", r#"{"tag":"new"}"#, "--output", "json"];
    assert_eq!(run(&server, &tag).await.json()[0]["status"], "committed");
    History::read(&server.client().await).await.assert_sound();
}

fn id(mail: &tests::Received) -> String {
    mail.header("Message-ID").unwrap().to_owned()
}

#[tokio::test]
async fn a_drill_restores_and_folds_without_the_service() {
    let world = World::start().await;
    for id in ["ada", "bob"] {
        world.person(id).await;
    }
    world.mails(2).await;
    let folder = world.backup("backup").await;
    let report = alone(&["backup", "drill", text(&folder), "--json"]).await.json().remove(0);
    assert_eq!(report["sound"], true, "{report}");
    assert_eq!(report["restored"]["compared"], last_of(&folder).await);
    let projections = report["projections"].as_array().unwrap();
    let people = projections.iter().find(|it| it["projection"] == "people").unwrap();
    assert_eq!(people["restored"]["rows"], 2, "{people}");
    assert_eq!(people["restored"], people["files"]);
}

#[tokio::test]
async fn a_backup_comes_back_into_a_folder_of_dev_whose_old_rows_are_refused() {
    let world = World::start().await;
    world.person("ada").await;
    let folder = world.backup("backup").await;
    let secret = "07".repeat(32);

    let new = world.path("new");
    let mut command = crate::kit::binary().await;
    command.args(["restore", text(&folder), "--own-broker", "--dry-run", "--data"]).arg(&new);
    let planned = crate::kit::finish(command, "").await;
    assert!(planned.ok().contains("would restore") && !new.exists(), "{planned:?}");

    let data = tempfile::tempdir().unwrap();
    let mut dev = crate::kit::Dev::start(data.path()).await;
    assert_eq!(dev.stop(rustix::process::Signal::TERM).await, Some(0));
    std::fs::remove_dir_all(data.path().join("nats/jetstream")).unwrap();
    let had = |name: &str| data.path().join(name);
    for name in ["secret", "master-key"] {
        std::fs::remove_file(had(name)).unwrap();
    }
    let mut command = crate::kit::binary().await;
    command.args(["restore", text(&folder), "--own-broker", "--data"]).arg(data.path());
    let restored = crate::kit::finish(command, "").await;
    assert!(restored.ok().contains("copy the `secret` and the `master-key`"), "{restored:?}");

    let dev = async || {
        let mut command = crate::kit::binary().await;
        command.args(["dev", "--nats-port", "0", "--data"]).arg(data.path());
        crate::kit::finish(command, "").await
    };
    let refused = dev().await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("Copy the `secret` that the service had"), "{refused:?}");
    assert!(!had("secret").exists() && !had("master-key").exists(), "none was made");
    std::fs::write(had("secret"), secret).unwrap();
    let refused = dev().await;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.stderr.contains("folded from another event log"), "{refused:?}");

    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.path().join(format!("read.sqlite{end}")));
    }
    let dev = crate::kit::Dev::start(data.path()).await;
    let mut command = crate::kit::binary().await;
    command.args(["query", "people", "get", "--key", "ada", "--nats", &dev.url]);
    let found = crate::kit::finish(command, "").await;
    assert!(found.ok().contains("Lovelace"), "{found:?}");
}
