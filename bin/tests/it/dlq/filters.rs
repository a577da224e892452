//! What is meant: filters, and words that mean nothing.

use serde_json::json;

use super::{DRIVER, WHY, World};

#[tokio::test]
async fn filters_leave_what_they_say() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.write("mary", 1, "person-created", 98, json!({})).await;
    world.parked("grace").await;
    world.parked("mary").await;
    let ids = async |filters: &[&str]| {
        let words = [&["--handler", DRIVER, "--json"], filters].concat();
        let found = world.dlq("list", &[&words]).await.json();
        found.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]).await, ["grace", "mary"]);
    assert_eq!(ids(&["--type", "person.name-changed"]).await, ["grace"]);
    assert_eq!(ids(&["--type", "name-changed"]).await, Vec::<String>::new());
    assert_eq!(ids(&["--error", "version 98"]).await, ["mary"]);
    assert_eq!(ids(&["--error", "VERSION 98"]).await, ["mary"], "as people remember it");
    assert_eq!(ids(&["--error", "nothing like it"]).await, Vec::<String>::new());
    assert_eq!(ids(&["--older-than", "0s"]).await, ["grace", "mary"]);
    assert_eq!(ids(&["--older-than", "1h"]).await, Vec::<String>::new());
    assert_eq!(
        ids(&["--aggregate", "person", "--id", "mary", "--class", "schema"]).await,
        ["mary"]
    );
    let wrong = world.dlq("list", &[&["--older-than", "soon"]]).await;
    assert_eq!(wrong.code, Some(2));
}

#[tokio::test]
async fn an_empty_word_is_no_filter_and_no_reason() {
    let world = World::start().await;
    world.write("grace", 1, "name-changed", 99, json!({})).await;
    world.parked("grace").await;
    let long = "x".repeat(5_000);
    let key = [DRIVER, "person", "grace"];
    for arguments in [
        &["--error", "", "--why", "a test"][..],
        &["--handler", "", "--why", "a test"],
        &["--type", "", "--why", "a test"],
        &["--all", "--why", ""],
        &["--all", "--why", "  "],
        &["--all", "--why", &long],
        &["--all", "--why", "a test", "--by", ""],
        &["--all", "--handler", DRIVER, "--why", "a test"],
        &["--why", "a test"],
    ] {
        let refused = world.dlq("discard", &[arguments, &["--yes"]]).await;
        assert_eq!(refused.code, Some(2), "{arguments:?} {refused:?}");
    }
    let file = world.data.path().join("large.json");
    let family = "x".repeat(600 * 1024);
    let large = json!({"name": {"given": ["A"], "family": [family]}, "use": "official", "effective": "2025-07-08", "reason": "marriage"});
    std::fs::write(&file, large.to_string()).unwrap();
    let data = format!("@{}", file.display());
    let refused = world.dlq("edit", &[&key, &["--json", &data, "--yes"], &WHY]).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("too-large"), "{refused:?}");
    assert_eq!(world.list(DRIVER).await.len(), 1);
}
