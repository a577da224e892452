//! A restore up to a point: the log as it was then, and nothing that speaks of what came later.

use std::collections::BTreeSet;

use async_nats::jetstream;
use serde_json::{Value, json};
use tests::{History, LIMIT, Server, eventually};

use super::{DRIVER, World, end, log, parked, run, serve, settled, text};

async fn state(server: &Server, id: &str) -> Value {
    run(server, &["state", "person", id, "--json"]).await.json().remove(0)
}

async fn handlers(server: &Server) -> Vec<Value> {
    run(server, &["handlers", "--json"]).await.json()
}

#[tokio::test]
async fn up_to_a_point_everything_is_as_it_was_then_and_what_was_lost_is_ordered_again() {
    let mut world = World::start().await;
    world.person("ada").await;
    world.unreadable("grace").await;
    world.settled().await;
    world.mails(1).await;
    // The cut: bob is known, and what the policies order because of it comes behind.
    let position = world.send(["person", "bob", "create-person"], super::ADA, &[]).await;
    let position = position["position"].as_u64().unwrap();
    let before = state(&world.server, "ada").await;
    world.settled().await;
    world.send(["person", "ada", "tag"], r#"{"tag":"late"}"#, &[]).await;
    world.person("carol").await;
    world.unreadable("heidi").await;
    let discard =
        ["dlq", "discard", DRIVER, "person", "grace", "--why", "a test", "--yes", "--wait"];
    world.run(&discard).await.ok();
    world.settled().await;
    assert!(end(&world.server).await > position + 3, "the policies have ordered something");
    let (old, folder) = (log(&world.server, position).await, world.backup("backup").await);
    assert_ne!(state(&world.server, "ada").await["version"], before["version"]);
    assert!(world.service.stop().await);

    let (server, until) = (Server::start().await, position.to_string());
    let restore = ["restore", text(&folder), "--until", &until, "--json"];
    let planned = run(&server, &[&restore[..], &["--dry-run"]].concat()).await.json().remove(0);
    assert_eq!(planned["position"], position);
    assert_eq!(end_of_nothing(&server).await, 0, "a dry run changes nothing");
    run(&server, &restore).await.ok();
    assert_eq!(end(&server).await, position);
    assert_eq!(log(&server, position).await, old);
    assert_eq!(state(&server, "ada").await, before, "as it was then");
    for handler in handlers(&server).await {
        let at = handler["position"].as_u64().unwrap_or_default();
        assert!(at <= position, "{handler}");
    }
    let none = run(&server, &["events", "person", "carol"]).await;
    assert_eq!(none.code, Some(5), "{none:?}");

    let _service = serve(&server, &world.sink, "two").await;
    settled(&server).await;
    // What bob's creation had ordered was cut off, and is ordered again.
    run(&server, &["events", "onboarding", "bob"]).await.ok();
    assert_eq!(parked(&server).await, Vec::<String>::new(), "what was decided still holds");
    run(&server, &["events", "onboarding", "grace"]).await.ok();
    let listed = run(&server, &["timers", "list", "--json"]).await.json();
    let waiting: BTreeSet<&str> = listed.iter().filter_map(|it| it["id"].as_str()).collect();
    assert!(waiting.contains("ada") && waiting.contains("bob"), "timers are set anew: {listed:?}");
    assert!(!waiting.contains("carol"), "{listed:?}");
    History::read(&server.client().await).await.assert_sound();
    let tag = ["send", "person", "ada", "tag", "--json", r#"{"tag":"late"}"#, "--output", "json"];
    let tagged = run(&server, &tag).await.json().remove(0);
    assert_eq!(tagged["status"], "committed");
    eventually("the rows are there", LIMIT, async || {
        let found = run(&server, &["query", "people", "get", "--key", "bob"]).await;
        (found.code == Some(0)).then_some(())
    })
    .await;
    let gone = run(&server, &["query", "people", "get", "--key", "carol"]).await;
    assert_eq!(gone.code, Some(5), "{gone:?}");
}

async fn end_of_nothing(server: &Server) -> u64 {
    let context = jetstream::new(server.client().await);
    context.query_account().await.unwrap().streams.try_into().unwrap()
}

#[tokio::test]
async fn a_point_in_time_is_found_by_when_commits_were_stored() {
    let world = World::start().await;
    world.person("ada").await;
    world.settled().await;
    let (position, time) = (end(&world.server).await, chrono::Utc::now());
    world.person("bob").await;
    let folder = world.backup("backup").await;
    let (server, until) = (Server::start().await, time.to_rfc3339());
    let restore = ["restore", text(&folder), "--until", &until, "--json"];
    let restored = run(&server, &restore).await.json().remove(0);
    assert_eq!((&restored["position"], end(&server).await), (&json!(position), position));
    let early = ["restore", text(&folder), "--until", "2020-01-01T00:00:00Z"];
    let refused = run(&Server::start().await, &early).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    for late in ["9999", "2099-01-01T00:00:00Z"] {
        let refused =
            run(&Server::start().await, &["restore", text(&folder), "--until", late]).await;
        assert_eq!(refused.code, Some(7), "{refused:?}");
        assert!(refused.stderr.contains("the backup ends at"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_backup_of_a_log_that_came_back_is_cut_at_the_times_of_before() {
    let mut world = World::start().await;
    world.person("ada").await;
    let refused = async |id: &str| {
        let context = jetstream::new(world.server.client().await);
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Command-Id", id);
        let subject = "enqueue.person.nobody.tag".to_owned();
        let sent = context.publish_with_headers(subject, headers, r#"{"tag":"x"}"#.into());
        sent.await.unwrap().await.unwrap();
        eventually(&format!("{id} is refused"), LIMIT, async || {
            (status(&world.server, id).await == "refused").then_some(())
        })
        .await;
    };
    refused("early").await;
    world.settled().await;
    let (position, time) = (end(&world.server).await, chrono::Utc::now().to_rfc3339());
    world.person("bob").await;
    refused("late").await;
    world.settled().await;
    let first = world.backup("first").await;
    assert!(world.service.stop().await);

    let server = Server::start().await;
    run(&server, &["restore", text(&first)]).await.ok();
    let second = world.path("second");
    run(&server, &["backup", "create", text(&second)]).await.ok();
    for until in [position.to_string(), time.clone()] {
        let third = Server::start().await;
        let restore = ["restore", text(&second), "--until", &until, "--json"];
        let restored = run(&third, &restore).await.json().remove(0);
        assert_eq!(restored["position"], position, "{restored}");
        let mut service = serve(&third, &world.sink, "three").await;
        assert_eq!(status(&third, "early").await, "refused", "{until}");
        assert_eq!(status(&third, "late").await, "not-found", "{until}");
        assert!(service.stop().await);
    }

    // The server that has the log now does not know those times.
    for of_time in [
        &["replay", "--handler", "people", "--to", &time][..],
        &["archive", "create", text(&world.path("archive")), "--until", &time],
    ] {
        let refused = run(&server, of_time).await;
        assert_eq!(refused.code, Some(7), "{refused:?}");
        assert!(refused.stderr.contains("name a position"), "{refused:?}");
    }
}

/// What became of a durable command.
async fn status(server: &Server, id: &str) -> String {
    let id = format!("command_id={id}");
    let asked = run(server, &["query", "commands", "result", "--param", &id, "--json"]).await;
    match asked.code {
        Some(5) => "not-found".to_owned(),
        _ => asked.json()[0]["status"].as_str().unwrap_or_default().to_owned(),
    }
}
