//! What is told of a log that came back from a backup, where its times of storage are new.

use serde_json::{Value, json};
use tests::Server;

use super::{World, end, run, text};

fn sum(days: &Value) -> u64 {
    days.as_array().unwrap().iter().map(|day| day["commits"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn a_log_that_came_back_proves_what_was_exported_before_and_counts_what_came_since() {
    let mut world = World::start().await;
    world.person("ada").await;
    world.settled().await;
    let exported = world.path("ada.jsonl");
    let export = ["history", "export", "person", "ada", "--out", text(&exported)];
    world.run(&export).await.ok();
    let grown = world.run(&["stats", "--json"]).await.json().remove(0);
    let before = end(&world.server).await;
    assert_eq!((sum(&grown["days"]), &grown["restored"]), (before, &Value::Null), "{grown}");
    let folder = world.backup("backup").await;
    assert!(world.service.stop().await);

    let server = Server::start().await;
    run(&server, &["restore", text(&folder)]).await.ok();
    let told = run(&server, &["stats", "--json"]).await.json().remove(0);
    assert_eq!((&told["commits"], sum(&told["days"])), (&json!(before), 0), "{told}");
    assert_eq!(told["pace"]["commits_per_day"], 0.0, "{told}");
    assert_eq!(told["restored"]["position"], before);
    let human = run(&server, &["stats"]).await;
    assert!(human.ok().contains(&format!("up to position {before} at ")), "{human:?}");

    let verify = ["history", "verify", text(&exported), "--live"];
    let human = run(&server, &verify).await;
    let commits = exported_commits(&exported);
    let line = format!("restored: {commits} commits have other storage times\n");
    assert!(human.ok().contains(&line) && !human.ok().contains("wrong"), "{human:?}");
    let told = run(&server, &[&verify[..], &["--json"]].concat()).await.json().remove(0);
    assert_eq!((&told["verified"], &told["findings"]), (&json!(true), &json!([])), "{told}");
    assert_eq!(told["restored_commits"], commits);

    let _service = super::serve(&server, &world.sink, "two").await;
    let tag = ["send", "person", "ada", "tag", "--json", r#"{"tag":"new"}"#];
    run(&server, &tag).await.ok();
    let told = run(&server, &["stats", "--json"]).await.json().remove(0);
    let since = end(&server).await - before;
    assert!(since > 0 && sum(&told["days"]) <= since, "{told}");
    let people = told["aggregates"].as_array().unwrap().iter();
    let people = people.clone().find(|it| it["aggregate"] == "person").unwrap();
    assert_eq!((&people["commits"], &people["recent"]), (&json!(commits + 1), &json!(1)), "{told}");
    let late = run(&server, &verify).await;
    assert!(late.ok().contains("has 1 commits behind it"), "{late:?}");
    // Who exports now has the times of now: another one in the document is a change of it.
    run(&server, &export).await.ok();
    let text = std::fs::read_to_string(&exported).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let commit: Value = serde_json::from_str(&lines[1]).unwrap();
    let stored = commit["commit"]["stored_at"].as_str().unwrap();
    lines[1] = lines[1].replace(stored, "2199-01-01T00:00:00Z");
    std::fs::write(&exported, lines.concat()).unwrap();
    let forged = run(&server, &verify).await;
    assert_eq!(forged.code, Some(1), "{forged:?}");
    assert!(forged.stdout.contains("stored at 2199-01-01"), "{forged:?}");
}

/// How many commits the document has: all lines but the first and the last.
fn exported_commits(path: &std::path::Path) -> u64 {
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    u64::try_from(lines).unwrap() - 2
}
