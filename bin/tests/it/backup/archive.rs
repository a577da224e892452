//! The log in files: continued, verified, and replayed without a broker.

use std::fs;

use serde_json::{Value, json};
use tests::Server;

use super::{World, alone, end, run, text};

async fn show(folder: &str) -> Value {
    alone(&["archive", "show", folder, "--json"]).await.json().remove(0)
}

#[tokio::test]
async fn an_archive_is_continued_and_says_what_handlers_would_make_of_it() {
    let world = World::start().await;
    world.person("ada").await;
    world.settled().await;
    let folder = world.path("archive");
    let folder = text(&folder);
    let first = world.run(&["archive", "create", folder, "--until", "2", "--json"]).await.json();
    assert_eq!((&first[0]["from"], &first[0]["to"]), (&json!(0), &json!(2)));
    world.person("bob").await;
    world.settled().await;
    let last = end(&world.server).await;
    let second = world.run(&["archive", "create", folder, "--json"]).await.json();
    assert_eq!((&second[0]["from"], &second[0]["to"]), (&json!(2), &json!(last)));
    let beyond = world.run(&["archive", "create", folder, "--until", "20261121"]).await;
    assert!(beyond.code == Some(7) && beyond.stderr.contains("the log ends at"), "{beyond:?}");
    let none = world.run(&["archive", "create", folder, "--json"]).await.json();
    assert_eq!((&none[0]["from"], &none[0]["records"]), (&json!(last), &json!(last)));
    assert_eq!(none[0]["chain"], second[0]["chain"]);
    let verified = alone(&["archive", "verify", folder, "--json"]).await.json().remove(0);
    assert_eq!((&verified["records"], &verified["faults"]), (&json!(last), &json!([])));
    let shown = show(folder).await;
    assert_eq!((&shown["last"], shown["segments"].as_array().unwrap().len()), (&json!(last), 2));

    for handler in ["people", "onboarding-driver"] {
        let replay = ["replay", "--handler", handler, "--to", &last.to_string(), "--json"];
        let live = world.run(&replay).await;
        let files = alone(&[&replay[..], &["--archive", folder]].concat()).await;
        assert_eq!(files.ok(), live.ok(), "{handler}");
        assert!(files.json().len() > 1, "{handler} does something");
    }
    let early = ["replay", "--handler", "people", "--to", "2", "--json", "--archive", folder];
    assert_eq!(alone(&early).await.json().len(), 2, "one row and a summary");
}

#[tokio::test]
async fn an_archive_of_another_log_is_not_continued() {
    let world = World::start().await;
    world.person("ada").await;
    let folder = world.path("archive");
    world.run(&["archive", "create", text(&folder)]).await.ok();
    let before = show(text(&folder)).await;
    let other = World::start().await;
    for id in ["x", "y", "z"] {
        other.person(id).await;
    }
    let refused = other.run(&["archive", "create", text(&folder)]).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert_eq!(show(text(&folder)).await, before);

    let backup = world.backup("backup").await;
    let refused = world.run(&["archive", "create", text(&backup.join("EVENTS"))]).await;
    assert_eq!(refused.code, Some(4), "a backup stays as it is: {refused:?}");

    // A log that came back is the same log, though the server stored it anew.
    let server = Server::start().await;
    run(&server, &["restore", text(&backup)]).await.ok();
    run(&server, &["archive", "create", text(&folder)]).await.ok();
}

#[tokio::test]
async fn what_is_wrong_with_an_archive_is_told_and_nothing_is_replayed_from_it() {
    let world = World::start().await;
    world.person("ada").await;
    let folder = world.path("archive");
    world.run(&["archive", "create", text(&folder)]).await.ok();
    let file = show(text(&folder)).await["segments"][0]["file"].as_str().unwrap().to_owned();
    let bytes = fs::read(folder.join(&file)).unwrap();
    fs::write(folder.join(&file), &bytes[..bytes.len() - 3]).unwrap();
    let verified = alone(&["archive", "verify", text(&folder)]).await;
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.stdout.contains("cut off"), "{verified:?}");
    let replay = ["replay", "--handler", "people", "--archive", text(&folder)];
    assert_eq!(alone(&replay).await.code, Some(1));
    for folder in ["/nowhere", "/tmp"] {
        assert_eq!(alone(&["archive", "verify", folder]).await.code, Some(5), "{folder}");
        assert_eq!(alone(&["restore", folder]).await.code, Some(5), "{folder}");
    }
}
