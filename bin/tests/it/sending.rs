//! Sending commands, one or many, and what their exit codes say.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    process::Stdio,
};

use serde_json::json;
use tests::{LIMIT, eventually};
use tokio::time::timeout;

use crate::kit::{Installation, binary};

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
    let absent = installation.run(&["send", "--file", "/nowhere/at/all"]).await;
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(2), ""), "no batch: {absent:?}");
    let bare = installation.run(&["send", "person", "ada", "tag", "vip"]).await;
    assert!(bare.stderr.contains("--json"), "{bare:?}");
}

#[tokio::test]
async fn what_stands_on_standard_input_is_not_passed_over() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    installation.send(["person", "ada", "set-preferences"], r#"{"language":"de"}"#).await;
    let send = async |command: &str, input: Stdio| {
        let mut sending = binary().await;
        sending.args(["send", "person", "ada", command]);
        sending.env("HEADWATER_DATA", installation.data.path()).stdin(input);
        let output = timeout(LIMIT, sending.output()).await.expect("it ends in time").unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let pipe = |said: &str| {
        let (read, mut write) = std::io::pipe().unwrap();
        write.write_all(said.as_bytes()).unwrap();
        (read, write)
    };
    let path = installation.data.path().join("body.json");
    std::fs::write(&path, r#"{"language":"fr"}"#).unwrap();
    let (ended, _) = pipe(r#"{"language":"fr"}"#);
    let (open, _writer) = pipe(r#"{"language":"fr"}"#);
    for body in [File::open(&path).unwrap().into(), ended.into(), open.into()] {
        let (code, said) = send("set-preferences", body).await;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("say `-`") && said.contains("--json '{}'"), "{said}");
    }
    let state = installation.run(&["state", "person", "ada", "--json"]).await.json().remove(0);
    assert_eq!(
        (&state["version"], &state["state"]["preferences"]["language"]),
        (&json!(2), &json!("de"))
    );

    // As schedulers leave it: nothing, an empty file, an empty pipe, a pipe that says nothing.
    let mut read = File::open(&path).unwrap();
    read.seek(SeekFrom::End(0)).unwrap();
    let (ended, _) = pipe("");
    let (silent, _writer) = pipe("");
    for nothing in [Stdio::null(), read.into(), ended.into(), silent.into()] {
        let (code, said) = send("set-preferences", nothing).await;
        assert_eq!(code, Some(0), "{said}");
    }
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

#[tokio::test]
async fn following_shows_the_whole_chain_and_who_asked() {
    let installation = Installation::start().await;
    let arguments = ["send", "person", "ada", "create-person", "--json", ADA, "--follow"];
    let human = installation.run(&arguments).await;
    let lines: Vec<_> = human.ok().lines().collect();
    assert!(lines[0].starts_with("committed person/ada version 1"), "{human:?}");
    assert!(lines[1].contains("  person.person-created "), "{human:?}");
    assert!(lines[2].contains("    onboarding.onboarding-started "), "{human:?}");
    assert!(lines[2].ends_with("ada v1  by onboarding-driver"), "{human:?}");
    assert_eq!(lines.last(), Some(&"quiet"));

    let contact = r#"{"contact_id":"home","kind":"email","value":"ada@example.org"}"#;
    installation.send(["person", "ada", "add-contact"], contact).await;
    let body = r#"{"contact_id":"home"}"#;
    let mut arguments = vec!["send", "person", "ada", "request-contact-verification"];
    arguments.extend(["--json", body, "--follow", "--output", "json"]);
    let chain = installation.run(&arguments).await.json();
    let mail = chain.iter().find(|event| event["type"] == "mail.mail-requested").unwrap();
    assert_eq!((&mail["depth"], &mail["policy"]), (&json!(1), &json!("send-verification")));
    let text = format!("{chain:?}");
    assert!(!text.contains("example.org"), "{text}");

    // What a newcomer does next: read the code and hand it back.
    let shown = installation.run(&["mail", "show", mail["id"].as_str().unwrap(), "--json"]).await;
    let letter = &shown.json()[0]["mail"];
    assert_eq!(letter["to"], "ada@example.org");
    let body = json!({
        "contact_id": "home", "challenge_id": letter["challenge"], "code": letter["code"],
    });
    let confirmed =
        installation.send(["person", "ada", "confirm-contact"], &body.to_string()).await;
    assert_eq!(confirmed["events"][0]["type"], "person.contact-verified");
    let listed = installation.run(&["mail", "list"]).await;
    assert!(listed.ok().contains("verify-contact") && !listed.ok().contains("example.org"));
}

#[tokio::test]
async fn the_lines_of_one_aggregate_are_sent_in_order() {
    let installation = Installation::start().await;
    let mut input = String::new();
    for id in ["ada", "grace", "john"] {
        let lines = [
            format!(
                r#"{{"aggregate":"person","id":"{id}","command":"create-person","body":{ADA}}}"#
            ),
            format!(
                r#"{{"aggregate":"person","id":"{id}","command":"tag","body":{{"tag":"vip"}}}}"#
            ),
            format!(
                r#"{{"aggregate":"person","id":"{id}","command":"untag","body":{{"tag":"vip"}}}}"#
            ),
        ];
        input.push_str(&lines.join("\n"));
        input.push('\n');
    }
    let sent = installation.run_with(&["send", "-"], &input).await;
    assert_eq!(sent.ok().lines().last(), Some("9 lines: 9 committed"));
}

#[tokio::test]
async fn a_durable_command_is_queued_and_its_result_can_be_asked_for() {
    let installation = Installation::start().await;
    let arguments = ["send", "person", "ada", "create-person", "--json", ADA];
    let durable = ["--durable", "--command-id", "later"];
    let queued = installation.run(&[&arguments[..], &durable].concat()).await;
    assert!(queued.ok().starts_with("queued later\n"), "{queued:?}");
    let ask = ["query", "commands", "result", "--param", "command_id=later", "--json"];
    let result = eventually("the command is carried out", LIMIT, async || {
        let asked = installation.run(&ask).await;
        (asked.code == Some(0)).then(|| asked.json().remove(0))
    })
    .await;
    assert!(result.to_string().contains("committed"), "{result}");
    assert_eq!(installation.run(&["events", "person", "ada", "--json"]).await.json().len(), 1);
}
