//! Reading the log: histories, states, the tail.

use crate::kit::Installation;

#[tokio::test]
async fn a_history_adds_up_to_a_state_at_every_version() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    for tag in ["vip", "founder"] {
        let body = format!(r#"{{"tag":"{tag}"}}"#);
        installation.send(["person", "ada", "tag"], &body).await;
    }

    let history = installation.run(&["events", "person", "ada", "--json"]).await.json();
    let kinds: Vec<_> = history.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["person.person-created", "person.tagged", "person.tagged"]);
    assert_eq!(history[1]["data"]["tag"], "vip");
    let later = ["events", "person", "ada", "--from-version", "3", "--json"];
    assert_eq!(installation.run(&later).await.json().len(), 1);

    let state = async |more: &[&str]| {
        let arguments = [&["state", "person", "ada", "--json"], more].concat();
        installation.run(&arguments).await.json().remove(0)
    };
    assert_eq!(state(&[]).await["state"]["tags"].as_array().unwrap().len(), 2);
    let earlier = state(&["--at-version", "2"]).await;
    assert_eq!(earlier["version"], 2);
    assert_eq!(earlier["state"]["tags"], serde_json::json!(["vip"]));
    let time = history[0]["time"].as_str().unwrap();
    assert_eq!(state(&["--at", time]).await["version"], 1);
    let before = ["state", "person", "ada", "--at", "2020-01-01T00:00:00Z"];
    assert_eq!(installation.run(&before).await.code, Some(5));
}

#[tokio::test]
async fn the_tail_shows_payloads_only_when_asked() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let tail = ["tail", "--from", "start", "--aggregate", "person", "--limit", "1"];
    let shown = installation.run(&tail).await;
    assert!(shown.ok().contains("person.person-created"), "{shown:?}");
    assert!(!shown.ok().contains("Lovelace"), "{shown:?}");
    let asked = installation.run(&[&tail[..], &["--payload"]].concat()).await;
    assert!(asked.ok().contains("Lovelace"), "{asked:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let installation = Installation::start().await;
    let absent = installation.run(&["events", "person", "nobody"]).await;
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(5), ""));
    let unknown = installation.run(&["state", "animal", "rex"]).await;
    assert_eq!(unknown.code, Some(5));
    assert!(unknown.stderr.contains("onboarding"), "it says what there is: {}", unknown.stderr);
}
