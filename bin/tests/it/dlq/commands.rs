//! Durable commands among the dead letters.

use serde_json::{Value, json};
use tests::{LIMIT, eventually};

use super::{WHY, World, statuses};

#[tokio::test]
async fn a_durable_command_that_fails_is_shown_put_right_or_discarded() {
    let world = World::start_with("commands,durable").await;
    let create = r#"{"name":{"given":["A"],"family":["B"]},"source":"api"}"#;
    world.run(&["send", "person", "ada", "create-person", "--json", create]).await.ok();
    world.enqueue("c-1", "enqueue.person.ada.tag", r#"{"tagg":"vip"}"#).await;
    world.enqueue("c-2", "enqueue.person.ada.teleport", "{}").await;
    eventually("both are set aside", LIMIT, async || {
        (world.list("commands").await.len() == 2).then_some(())
    })
    .await;
    let listed =
        world.dlq("list", &[&["--class", "refused", "--type", "person.tag", "--json"]]).await;
    let listed = listed.json();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!("c-1")), "{listed:?}");
    let shown = world.dlq("show", &[&["commands", "person", "c-1"]]).await;
    assert!(shown.ok().contains("command   person.tag") && !shown.stdout.contains("waiting"));
    assert!(!shown.stdout.contains("vip"), "only with --payload: {shown:?}");
    let exported = world.dlq("export", &[&["--handler", "commands", "--id", "c-1"]]).await.json();
    assert_eq!(exported[0]["original"]["body"]["text"], r#"{"tagg":"vip"}"#);

    let edit = ["commands", "person", "c-1", "--json"];
    for (body, code) in [(r#"{"tagg":1}"#, 7), ("nonsense", 7), (r#"{"tag":1}"#, 7)] {
        let refused = world.dlq("edit", &[&edit, &[body], &WHY]).await;
        assert_eq!(refused.code, Some(code), "{body} {refused:?}");
    }
    let versioned = world.dlq("edit", &[&edit, &["{}", "--version", "1"], &WHY]).await;
    assert_eq!(versioned.code, Some(2), "{versioned:?}");
    let file = world.data.path().join("body.json");
    std::fs::write(&file, r#"{"tag":"vip"}"#).unwrap();
    let body = format!("@{}", file.display());
    let planned = world.dlq("edit", &[&edit, &[&body], &WHY]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let words = [&edit[..], &[&body, "--yes", "--wait", "--output", "json"], &WHY].concat();
    let done = world.dlq("edit", &[&words]).await;
    done.ok();
    assert_eq!(statuses(&done), ["requested", "released"]);
    let history = world.run(&["events", "person", "ada", "--json"]).await.json();
    assert_eq!(history.last().unwrap()["command_id"], "c-1", "{history:?}");

    let retried = ["commands", "person", "c-2", "--yes", "--wait", "--json"];
    let again = world.dlq("retry", &[&retried, &WHY]).await;
    assert_eq!(
        (again.code, statuses(&again)),
        (Some(1), vec!["requested".into(), "parked".into()])
    );
    let gone = world.dlq("discard", &[&retried, &WHY]).await;
    gone.ok();
    assert_eq!(world.list("commands").await, Vec::<Value>::new());
}
