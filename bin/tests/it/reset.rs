//! `headwater handlers reset`: shown first, then done by the service, and kept.

use serde_json::Value;
use tests::{LIMIT, eventually};

use crate::kit::{Finished, Installation};

const DRIVER: &str = "onboarding-driver";
const WHY: [&str; 4] = ["--why", "a test", "--by", "ada"];

async fn reset(installation: &Installation, more: &[&str]) -> Finished {
    installation.run(&[&["handlers", "reset"], more, &WHY].concat()).await
}

async fn position(installation: &Installation) -> u64 {
    let handlers = installation.run(&["handlers", "--json"]).await.json();
    let driver = handlers.iter().find(|it| it["name"] == DRIVER).unwrap();
    driver["position"].as_u64().unwrap()
}

/// Everything in the log.
async fn events(installation: &Installation) -> Vec<Value> {
    let mut events = Vec::new();
    for (aggregate, id) in [("person", "ada"), ("onboarding", "ada"), ("person", "bob")] {
        events.extend(installation.run(&["events", aggregate, id, "--json"]).await.json());
    }
    events
}

/// Two people, and a driver that has handled all there is.
async fn people() -> Installation {
    let installation = Installation::start().await;
    for person in ["ada", "bob"] {
        let body = r#"{"name":{"given":["A"],"family":["B"]},"source":"api"}"#;
        let create = ["send", "person", person, "create-person", "--json", body, "--follow"];
        installation.run(&create).await.ok();
    }
    installation
}

#[tokio::test]
async fn a_policy_that_goes_back_sends_its_commands_again_and_changes_nothing() {
    let installation = people().await;
    let before = events(&installation).await;
    let at = position(&installation).await;
    let planned = reset(&installation, &[DRIVER, "--from", "1", "--json"]).await;
    assert_eq!(planned.code, Some(2), "{planned:?}");
    let planned: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!((&planned["status"], &planned["from"]), (&"planned".into(), &1.into()));
    let again = &planned["again"];
    assert!(again["commits"].as_u64() >= Some(2) && again["commands"].as_u64() >= Some(2));
    assert!(!again["sample"].as_array().unwrap().is_empty(), "{planned}");
    let words = reset(&installation, &[DRIVER, "--from", "1"]).await.stdout;
    assert!(words.contains("would be sent again") && words.contains("would send onboarding/ada"));
    assert!(words.ends_with("Nothing has been done: repeat it with --yes.\n"), "{words}");
    let none = installation.run(&["handlers", "history", DRIVER]).await;
    assert!(!none.ok().contains("reset"), "a dry run writes nothing: {none:?}");

    let done = reset(&installation, &[DRIVER, "--from", "1", "--yes", "--wait", "--json"]).await;
    let lines = done.json();
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["requested", "rewound"]);
    assert!(lines[1]["checkpoint"].as_u64() >= Some(at), "{lines:?}");
    eventually("everything is handled again", LIMIT, async || {
        (position(&installation).await >= at).then_some(())
    })
    .await;
    assert_eq!(events(&installation).await, before, "a command that is repeated changes nothing");
    let history = installation.run(&["handlers", "history", DRIVER, "--json"]).await.json();
    let records: Vec<_> = history.iter().map(|it| &it["record"]).collect();
    let asked = records.iter().find(|it| it["kind"] == "reset").unwrap();
    assert_eq!((&asked["who"], &asked["why"]), (&"ada".into(), &"a test".into()));
    assert!(records.iter().any(|it| it["kind"] == "rewound" && it["request"] == asked["request"]));
    let told = installation.run(&["handlers", "history", DRIVER]).await;
    assert!(told.ok().contains("by ada: a test"), "{told:?}");
}

#[tokio::test]
async fn what_cannot_go_back_is_said() {
    let installation = people().await;
    let after = (position(&installation).await + 1).to_string();
    let unchanged = reset(&installation, &[DRIVER, "--from", &after, "--json"]).await.json();
    assert_eq!(unchanged[0]["status"], "unchanged");
    let soon = "2999-01-01T00:00:00Z";
    let unchanged = reset(&installation, &[DRIVER, "--from", soon, "--yes", "--json"]).await.json();
    assert_eq!(unchanged[0]["status"], "unchanged");
    for (arguments, code, words) in [
        (&["people", "--from", "1"][..], 7, "projection rebuild people"),
        (&["nobody", "--from", "1"], 5, "nobody"),
        (&["timers", "--from", "1"], 5, "timers"),
        (&["deliver-mail", "--from", "1"], 5, "deliver-mail"),
        (&[DRIVER, "--from", "0"], 7, "at the earliest"),
        (&[DRIVER, "--from", "100000"], 7, "passes over nothing"),
        (&[DRIVER, "--from", "100000", "--yes"], 7, "passes over nothing"),
        (&[DRIVER, "--from", "yesterday"], 2, "yesterday"),
        (&[DRIVER], 2, "--from"),
    ] {
        let refused = reset(&installation, arguments).await;
        assert_eq!((refused.code, &*refused.stdout), (Some(code), ""), "{arguments:?} {refused:?}");
        assert!(refused.stderr.contains(words), "{arguments:?} {refused:?}");
    }
    let unsaid = installation.run(&["handlers", "reset", DRIVER, "--from", "1"]).await;
    assert_eq!(unsaid.code, Some(2), "whoever repairs says why");
    let unknown = installation.run(&["handlers", "history", "nobody"]).await;
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
}
