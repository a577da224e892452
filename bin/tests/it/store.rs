//! One log has one store of read models, and its instance says so.

use serde_json::Value;
use tests::{LIMIT, Server, Service, eventually};

use crate::kit::{Finished, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");

async fn run(server: &Server, arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).args(["--nats", server.url()]);
    finish(command, "").await
}

/// The claim as it stands.
async fn claim(server: &Server) -> Value {
    run(server, &["store", "--json"]).await.json().remove(0)
}

#[tokio::test]
async fn an_instance_with_another_store_says_what_it_does_not_run_or_ends_if_it_was_asked_to() {
    let server = Server::start().await;
    let first = Service::start(BINARY, server.url(), &["--instance", "first"]).await;
    let all = "ready as first: commands, policies, projections, durable";
    assert_eq!(first.greeting(), all);
    let second = Service::start(BINARY, server.url(), &["--instance", "second"]).await;
    let some = "ready as second: commands, policies, durable; not projections: store-elsewhere: ";
    assert!(second.greeting().starts_with(some), "{}", second.greeting());
    assert!(second.greeting().contains("of the instance first"), "{}", second.greeting());

    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, [7; 32]).unwrap();
    let store = folder.path().join("db");
    let (secret, store) = (secret.to_str().unwrap(), store.to_str().unwrap());
    let files = ["--secret-file", secret, "--store", store];
    let asked = [&["serve", "--roles", "commands,projections"], &files[..]].concat();
    let refused = run(&server, &asked).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(6), ""), "{refused:?}");
    assert!(refused.stderr.contains("store-elsewhere"), "{refused:?}");
    assert!(refused.stderr.contains("headwater store release"), "{refused:?}");
}

#[tokio::test]
async fn a_store_that_is_gone_is_released_on_purpose_and_the_next_instance_folds_its_own() {
    let server = Server::start().await;
    let mut first = Service::start(BINARY, server.url(), &["--instance", "first"]).await;
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    run(&server, &["send", "person", "ada", "create-person", "--json", body]).await.ok();
    let before = claim(&server).await;
    let store = before["store"].as_str().unwrap();
    let release = ["store", "release", store, "--why", "the disk is gone", "--by", "ada"];
    let meant = [&release[..], &["--yes"]].concat();

    eventually("the first instance owns its projections", LIMIT, async || {
        let handlers = run(&server, &["handlers", "--json"]).await.json();
        let owned =
            |handler: &Value| handler["kind"] != "projection" || !handler["owner"].is_null();
        handlers.iter().all(owned).then_some(())
    })
    .await;
    let running = run(&server, &meant).await;
    assert_eq!(running.code, Some(4), "{running:?}");
    assert!(running.stderr.contains("first still runs projections"), "{running:?}");
    let other = run(&server, &["store", "release", "another", "--why", "x", "--yes"]).await;
    assert_eq!(other.code, Some(4), "{other:?}");
    assert!(first.stop().await);

    let planned = run(&server, &release).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    assert!(planned.stdout.contains("Nothing has been done"), "{planned:?}");
    assert_eq!(claim(&server).await, before);

    assert!(run(&server, &meant).await.ok().contains("by ada: the disk is gone"));
    assert_eq!(claim(&server).await["released"]["why"], "the disk is gone");

    let second = Service::start(BINARY, server.url(), &["--instance", "second"]).await;
    assert!(second.greeting().ends_with("projections, durable"), "{}", second.greeting());
    let after = claim(&server).await;
    assert_eq!((&after["instance"], &after["released"]), (&"second".into(), &Value::Null));
    assert_ne!(after["store"], before["store"]);
    let query = ["query", "people", "get", "--key", "ada", "--after", "1"];
    assert!(run(&server, &query).await.ok().contains("Lovelace"));
}

#[tokio::test]
async fn checkpoints_past_the_end_of_the_log_are_moved_back_on_purpose() {
    let server = Server::start().await;
    let mut service = Service::start(BINARY, server.url(), &["--roles", "commands"]).await;
    let context = async_nats::jetstream::new(server.client().await);
    let checkpoints = context.get_key_value("CHECKPOINTS").await.unwrap();
    checkpoints.put("welcome", r#"{"position":9,"epoch":1}"#.into()).await.unwrap();
    assert!(service.stop().await);

    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, [7; 32]).unwrap();
    let serve = ["serve", "--roles", "commands", "--secret-file", secret.to_str().unwrap()];
    let refused = run(&server, &serve).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("log-behind: welcome has handled the log up to 9"));
    assert!(refused.stderr.contains("headwater handlers rewind"), "{refused:?}");

    let rewind = ["handlers", "rewind", "--why", "an older backup"];
    let planned = run(&server, &rewind).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    assert!(planned.stdout.contains("would move welcome from 9 back to 0"), "{planned:?}");
    let meant = [&rewind[..], &["--yes", "--by", "ada"]].concat();
    let moved = run(&server, &meant).await;
    assert!(moved.ok().contains("moved welcome from 9 back to 0"), "{moved:?}");
    assert!(moved.stderr.contains("an older backup") && moved.stderr.contains("ada"), "{moved:?}");
    let history = run(&server, &["handlers", "history", "welcome"]).await;
    let told = "restored   from 9 back to the log's end at 0, by ada: an older backup";
    assert!(history.ok().contains(told), "{history:?}");
    service.restart().await;
    assert!(run(&server, &rewind).await.ok().contains("no checkpoint is past the end"));
}
