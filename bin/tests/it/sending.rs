//! Sending commands, one or many, and what their exit codes say.

use serde_json::json;

use crate::kit::Installation;

const ADA: &str = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;

#[tokio::test]
async fn every_kind_of_refusal_has_its_exit_code() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let send = async |arguments: &[&str]| {
        installation.run(&[&["send", "person", "ada"], arguments].concat()).await.code
    };
    let other = ADA.replace("Ada", "Grace");
    let vip = [r#"--json={"tag":"vip"}"#, "--command-id=t"];
    assert_eq!(send(&[&["tag"], &vip[..]].concat()).await, Some(0));
    assert_eq!(send(&["create-person", "--json", &other]).await, Some(3), "refused");
    assert_eq!(send(&["activate", "--expected-version", "9"]).await, Some(4), "conflict");
    assert_eq!(send(&[&["untag"], &vip[..]].concat()).await, Some(4), "the id was used");
    assert_eq!(send(&["fly"]).await, Some(5), "there is no such command");
    assert_eq!(send(&["tag", "--json", "{"]).await, Some(7), "invalid");
    let late = ["activate", "--deadline", "2020-01-01T00:00:00Z"];
    assert_eq!(send(&late).await, Some(6), "too late");
}

#[tokio::test]
async fn a_command_sent_twice_with_one_id_is_replayed() {
    let installation = Installation::start().await;
    let send = ["send", "person", "ada", "create-person", "--json", ADA, "--command-id", "one"];
    let first = installation.run(&send).await;
    assert_eq!(first.ok(), "committed person/ada version 1 position 1\n");
    let second = installation.run(&send).await;
    assert_eq!(second.ok(), "replayed person/ada version 1 position 1\n");
}

#[tokio::test]
async fn a_body_comes_from_a_file_or_from_standard_input() {
    let installation = Installation::start().await;
    let path = installation.data.path().join("body.json");
    std::fs::write(&path, ADA).unwrap();
    let file = ["send", "person", "ada", "create-person", "--file", path.to_str().unwrap()];
    assert!(installation.run(&file).await.ok().starts_with("committed"));
    let stdin = ["send", "person", "ada", "tag", "-"];
    let sent = installation.run_with(&stdin, "{\n  \"tag\": \"vip\"\n}\n").await;
    assert!(sent.ok().starts_with("committed"), "{sent:?}");
}

#[tokio::test]
async fn a_batch_reports_failures_by_line_and_can_be_resumed() {
    let installation = Installation::start().await;
    let line = |id: &str, command: &str, body: serde_json::Value| {
        json!({"aggregate": "person", "id": id, "command": command, "body": body}).to_string()
    };
    let ada: serde_json::Value = serde_json::from_str(ADA).unwrap();
    let mut lines: Vec<_> =
        (0..20).map(|n| line(&format!("p{n}"), "create-person", ada.clone())).collect();
    lines[3] = line("p3", "fly", json!({}));
    lines[7] = "not json".to_owned();
    let input = lines.join("\n");

    let run = installation.run_with(&["send", "-", "--output", "json"], &input).await;
    assert_eq!(run.code, Some(5), "the first failure's code: {run:?}");
    let out: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let batch = out[0]["batch"].as_str().unwrap();
    let mut failed: Vec<_> = out.iter().filter_map(|value| value["line"].as_u64()).collect();
    failed.sort_unstable();
    assert_eq!(failed, [4, 8]);
    let summary = out.last().unwrap();
    assert_eq!((&summary["committed"], &summary["failed"]), (&json!(18), &json!(2)));

    let resumed = ["send", "-", "--output", "json", "--batch", batch];
    let again = installation.run_with(&resumed, &input).await;
    let summary: serde_json::Value =
        serde_json::from_str(again.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["replayed"], &summary["committed"]), (&json!(18), &json!(0)));
}

#[tokio::test]
async fn each_line_can_be_a_body_for_one_target() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let input = "{\"tag\":\"a\"}\n\n{\"tag\":\"b\"}\n{\"tag\":\"a\"}\n";
    let sent = installation
        .run_with(&["send", "person", "ada", "tag", "--lines", "-", "--in-flight", "1"], input)
        .await;
    let last = sent.ok().lines().last().unwrap();
    assert_eq!(last, "3 lines: 2 committed, 1 unchanged");
}
