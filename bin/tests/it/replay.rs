//! `headwater replay`: what a handler would do, shown and not done.

use std::collections::BTreeSet;

use infrastructure::replay::Folding;
use serde_json::Value;

use crate::kit::{Finished, Installation};

async fn replay(installation: &Installation, more: &[&str]) -> Finished {
    installation.run(&[&["replay", "--json"], more].concat()).await
}

/// Two people who are being onboarded.
async fn people() -> Installation {
    let installation = Installation::start().await;
    for person in ["ada", "bob"] {
        installation.create(person).await;
        let contact = r#"{"contact_id":"home","kind":"email","value":"a@example.org"}"#;
        let follow = ["send", "person", person, "add-contact", "--json", contact, "--follow"];
        installation.run(&follow).await.ok();
    }
    installation
}

/// The ids of commands in the answers of a replay.
fn command_ids(lines: &[Value]) -> BTreeSet<String> {
    let reactions = lines.iter().filter_map(|line| line["reactions"].as_array()).flatten();
    reactions.filter_map(|it| it["command_id"].as_str()).map(str::to_owned).collect()
}

/// The position in the cursor `field`.
fn position(line: &Value, field: &str) -> u64 {
    line[field].as_str().unwrap().split_once('.').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn a_replayed_policy_names_the_very_commands_that_it_sent_and_sends_none() {
    let installation = people().await;
    let before = installation.run(&["tail", "--from", "start", "--limit", "6", "--json"]).await;
    let handlers = installation.run(&["handlers", "--json"]).await.json();

    let lines = replay(&installation, &["--handler", "onboarding-driver"]).await.json();
    let (last, found) = lines.split_last().unwrap();
    assert_eq!(last["replayed"], "onboarding-driver");
    assert_eq!(last["acted"], found.len());
    let planned = command_ids(found);
    assert!(!planned.is_empty(), "{found:?}");
    let mut noted = Vec::new();
    for person in ["ada", "bob"] {
        noted.extend(installation.run(&["events", "onboarding", person, "--json"]).await.json());
    }
    let sent: BTreeSet<_> =
        noted.iter().filter_map(|event| event["command_id"].as_str()).map(str::to_owned).collect();
    assert!(planned.is_subset(&sent), "{planned:?} {sent:?}");

    let after = installation.run(&["tail", "--from", "start", "--limit", "6", "--json"]).await;
    assert_eq!(before.ok(), after.ok());
    let reached = |all: &[Value]| {
        let driver = all.iter().find(|it| it["name"] == "onboarding-driver").unwrap();
        driver["position"].as_u64().unwrap()
    };
    let now = installation.run(&["handlers", "--json"]).await.json();
    assert!(reached(&now) >= reached(&handlers), "a live checkpoint went back");
}

#[tokio::test]
async fn a_replay_is_narrowed_to_a_stretch_an_aggregate_and_a_type() {
    let installation = people().await;
    let one = ["--handler", "onboarding-driver", "--aggregate", "person", "--id", "ada"];
    let lines = replay(&installation, &one).await.json();
    let (_, found) = lines.split_last().unwrap();
    assert!(!found.is_empty() && found.iter().all(|line| line["id"] == "ada"), "{found:?}");

    let typed = [&one[..], &["--type", "person.person-created"]].concat();
    assert_eq!(replay(&installation, &typed).await.json().last().unwrap()["events"], 1);

    let event = &installation.run(&["events", "person", "bob", "--json"]).await.json()[0];
    let place = position(event, "cursor");
    let scope = async |bound: &str, at: &str| {
        let dry = ["--handler", "onboarding-driver", "--dry-run", bound, at];
        let scope = replay(&installation, &dry).await.json().remove(0);
        (scope["from"].as_u64().unwrap(), scope["to"].as_u64().unwrap())
    };
    assert_eq!(scope("--to", &place.to_string()).await, (1, place));
    // A time stands for the commits that were stored since, or before. Bob came after all of ada's.
    let time = event["time"].as_str().unwrap();
    assert_eq!(scope("--from", time).await.0, place);
    assert_eq!(scope("--to", time).await, (1, place - 1));
    // Long ago, and beyond what the server can count.
    let all = scope("--to", "100000").await;
    assert_eq!(scope("--from", "0001-01-01T00:00:00Z").await, all);
    assert_eq!(scope("--to", "2999-01-01T00:00:00Z").await, all);
    let late = [&one[..], &["--from", "2999-01-01T00:00:00Z"]].concat();
    assert_eq!(replay(&installation, &late).await.code, Some(7), "nothing is so late");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_said() {
    let installation = people().await;
    for (arguments, code) in [
        (&["--handler", "nobody"][..], 5),
        (&["--handler", "people", "--aggregate", "mail"], 7),
        (&["--handler", "welcome", "--aggregate", "person"], 7),
        (&["--handler", "welcome", "--type", "person.flown"], 5),
        (&["--handler", "welcome", "--from", "100000"], 7),
        (&["--handler", "welcome", "--from", "yesterday"], 2),
        (&["--resume", "/nowhere/replay.json"], 2),
        (&[], 2),
    ] {
        let refused = replay(&installation, arguments).await;
        assert_eq!((refused.code, &*refused.stdout), (Some(code), ""), "{arguments:?} {refused:?}");
    }
}

#[tokio::test]
async fn an_interrupted_replay_goes_on_to_its_own_watermark() {
    let installation = people().await;
    let folder = tempfile::tempdir().unwrap();
    let all = replay(&installation, &["--handler", "onboarding-driver"]).await.json();
    let (end, found) = all.split_last().unwrap();
    assert!(found.len() >= 2, "{found:?}");
    let scope = replay(&installation, &["--handler", "onboarding-driver", "--dry-run"]).await;
    let first: Value = found[0].clone();
    let position = position(&first, "at");
    // What a process that was killed after the first finding leaves behind.
    let journal = folder.path().join("replay.json");
    let left = serde_json::json!({
        "scope": scope.json()[0], "begun": "2026-11-21T12:00:00Z",
        "position": position, "events": 1, "acted": 1,
    });
    std::fs::write(&journal, left.to_string()).unwrap();
    installation.create("carl").await;

    let resumed = replay(&installation, &["--resume", journal.to_str().unwrap()]).await.json();
    assert_eq!(resumed[..resumed.len() - 1], found[1..]);
    assert_eq!(resumed.last().unwrap()["to"], end["to"], "the watermark stays");
    assert!(!journal.exists(), "there is nothing left to resume");
}

#[tokio::test]
async fn what_would_be_mailed_is_shown_without_a_mail_server() {
    let installation = people().await;
    let ask = r#"{"contact_id":"home"}"#;
    let ask = ["send", "person", "ada", "request-contact-verification", "--json", ask, "--follow"];
    installation.run(&ask).await.ok();
    let lines = replay(&installation, &["--handler", "deliver-mail"]).await.json();
    let (last, found) = lines.split_last().unwrap();
    assert_eq!((&last["replayed"], &last["acted"]), (&"deliver-mail".into(), &1.into()));
    let [mail] = found else { panic!("{found:?}") };
    assert_eq!(mail["type"], "mail.mail-requested");
    assert_eq!((&mail["outcome"], &mail["promise"]), (&"run".into(), &"at-least-once".into()));
}

#[tokio::test]
async fn a_replayed_projection_shows_the_documents_that_the_events_give() {
    let installation = people().await;
    let all = replay(&installation, &["--handler", "people"]).await.json();
    let (end, rows) = all.split_last().unwrap();
    assert_eq!((&end["replayed"], &end["rows"]), (&"people".into(), &2.into()));
    let answers = installation.run(&["query", "people", "get", "--key", "ada", "--json"]).await;
    assert_eq!(
        rows[0],
        serde_json::json!({
            "key": "ada", "document": answers.json()[0]["document"],
        })
    );

    let one = ["--handler", "people", "--id", "ada", "--type", "person.person-created"];
    let created = replay(&installation, &one).await.json();
    assert_eq!((created.len(), &created[1]["events"]), (2, &1.into()));
    assert_eq!(created[0]["document"]["contacts"], serde_json::json!({}), "{created:?}");

    let place = position(
        &installation.run(&["events", "person", "bob", "--json"]).await.json()[0],
        "cursor",
    );
    let before = (place - 1).to_string();
    let before = replay(&installation, &["--handler", "people", "--to", &before]).await.json();
    assert_eq!((before.len(), &before[0]), (2, &rows[0]), "bob came after all of ada's");
    let replays = installation.data.path().join("replays");
    assert_eq!(std::fs::read_dir(replays).unwrap().count(), 0, "what was folded is gone");
    let live = installation.run(&["projection", "verify", "people"]).await;
    assert!(live.ok().contains("Every event was applied once"), "{live:?}");
}

#[tokio::test]
async fn an_interrupted_replay_of_a_projection_goes_on_where_its_file_stands() {
    let installation = people().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("replay.json");
    let path = journal.to_str().unwrap();
    let begin = ["--handler", "people", "--journal", path];
    let all = replay(&installation, &begin).await.json();
    assert!(!journal.exists());
    let scope = replay(&installation, &["--handler", "people", "--dry-run"]).await.json().remove(0);
    let (to, half) = (scope["to"].as_u64().unwrap(), scope["to"].as_u64().unwrap() / 2);
    // What a process leaves behind that was killed when it had folded the first half.
    let left = |to: u64| {
        let mut scope = scope.clone();
        scope["to"] = to.into();
        let begun = "2026-11-21T12:00:00Z";
        serde_json::json!({"scope": scope, "begun": begun, "position": 0, "events": 0, "acted": 0})
    };
    let file = folder.path().join("replay.json.sqlite");
    fold(&installation, &left(half)["scope"], &file).await;
    std::fs::write(&journal, left(to).to_string()).unwrap();
    installation.create("carl").await;
    let resumed = replay(&installation, &["--resume", path]).await.json();
    assert_eq!(resumed, all, "neither twice nor beyond the watermark");
    assert!(!journal.exists() && !file.exists(), "there is nothing left to resume");
}

/// Folds `scope` into `file`, and stops there.
async fn fold(installation: &Installation, scope: &Value, file: &std::path::Path) {
    let client = async_nats::connect(&installation.dev.url).await.unwrap();
    let scope = serde_json::from_value(scope.clone()).unwrap();
    let composition = headwater::contexts::composition();
    let mut folding = Folding::start(&client, &composition, scope, file).await.unwrap();
    while folding.next().await.unwrap().is_some() {}
    folding.close().await;
}
