//! What is refused: with which exit code, in which words, and with which advice.

use std::os::unix::fs::PermissionsExt as _;

use tests::{Server, Service};

use crate::kit::{Finished, Installation, binary, finish};

const NOWHERE: &str = "nats://127.0.0.1:9";

/// Runs the binary where nobody listens: whatever it refuses with 2 it refuses by itself.
async fn alone(arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).env("HEADWATER_NATS", NOWHERE);
    finish(command, "").await
}

#[tokio::test]
async fn a_wrong_command_line_is_2_wherever_it_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no secret").unwrap();
    let (file, absent) = (file.to_str().unwrap(), "/nowhere/at/all");
    let tag = ["send", "person", "ada", "tag"];
    for arguments in [
        &["send"][..],
        &[&tag[..], &["--file", absent]].concat(),
        &[&tag[..], &["--batch", "0197a3f0-0000-7000-8000-000000000000"]].concat(),
        &[&tag[..], &["--lines", "-", "--expected-version", "1"]].concat(),
        &["send", "-", "--batch", "6f1d6c2e-87d1-4a7c-9d0b-3a526e45c0de"],
        &["state", "person", "ada", "--at-version", "0"],
        &["events", "person", "ada", "--from-version", "0"],
        &["tail", "--log", "a=b=c"],
        &["tail", "--creds", absent],
        &["tail", "--nkey", absent],
        &["tail", "--tls-ca", absent],
        &["tail", "--nats", "nats://bad host:x"],
        &["tail", "--nats-user", "ada", "--nats-password-file", absent],
        &["serve", "--data", folder.path().to_str().unwrap()],
        &["serve", "--secret-file", absent],
        &["serve", "--secret-file", file],
        &["mail", "show", "one", "--secret-file", absent],
        &["dev", "--data", file],
    ] {
        let refused = alone(arguments).await;
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
    }
    let refused = alone(&["send", "--output", "json"]).await;
    let problem: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_eq!(problem["code"], "usage");
    assert!(problem["hint"].as_str().unwrap().contains("--file"), "{problem}");
}

#[tokio::test]
async fn a_failure_is_json_too_where_the_answer_would_be() {
    for arguments in [
        &["state", "animal", "rex", "--json"][..],
        &["handlers", "history", "x", "--json"],
        &["doctor", "--json"],
    ] {
        let refused = alone(arguments).await;
        let problem: serde_json::Value = serde_json::from_str(&refused.stderr).unwrap();
        assert!(problem["code"].is_string(), "{arguments:?} {refused:?}");
    }
    let in_words = alone(&["send", "animal", "rex", "tag", "--json", "{}"]).await;
    assert!(!in_words.stderr.starts_with('{'), "that holds a body: {in_words:?}");
}

#[tokio::test]
async fn a_nats_server_that_is_none_is_named_with_what_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(["dev", "--data"]).arg(folder.path());
    command.env("HEADWATER_NATS_SERVER", "/nowhere/at/all");
    let refused = finish(command, "").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("/nowhere/at/all is not a nats-server"), "{refused:?}");
    assert!(refused.stderr.contains("HEADWATER_NATS_SERVER names it."), "{refused:?}");
}

#[tokio::test]
async fn an_aggregate_type_that_does_not_exist_is_5_before_anything_is_connected() {
    for arguments in [
        &["state", "animal", "rex"][..],
        &["events", "animal", "rex"],
        &["tail", "--aggregate", "animal"],
        &["charts", "--aggregate", "animal"],
        &["upcast", "--type", "animal.fed", "--version", "1"],
        &["upcast", "--type", "person.name-changed", "--version", "9", "--json", "{}"],
    ] {
        let refused = alone(arguments).await;
        assert_eq!(refused.code, Some(5), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains("versions 1 to") || refused.stderr.contains("onboarding"));
    }
}

#[tokio::test]
async fn a_payload_that_is_none_is_invalid() {
    let kind = ["upcast", "--type", "person.name-changed", "--version", "1", "--json"];
    for payload in ["{", "[]", r#"{"given":1}"#] {
        let refused = alone(&[&kind[..], &[payload]].concat()).await;
        assert_eq!(refused.code, Some(7), "{payload}: {refused:?}");
    }
}

#[tokio::test]
async fn a_body_beyond_all_limits_is_too_large() {
    let installation = Installation::start().await;
    let path = installation.data.path().join("body");
    std::fs::write(&path, vec![b'x'; 3_000_000]).unwrap();
    let send = ["send", "person", "ada", "tag", "--file", path.to_str().unwrap()];
    let refused = installation.run(&send).await;
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.starts_with("too-large: "), "{refused:?}");
}

#[tokio::test]
async fn what_is_outside_of_a_history_is_not_found_and_its_end_is_named() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let state = ["state", "person", "ada"];
    let beyond = installation.run(&[&state[..], &["--at-version", "7"]].concat()).await;
    assert_eq!((beyond.code, &*beyond.stdout), (Some(5), ""), "{beyond:?}");
    assert!(beyond.stderr.starts_with("not-found: person/ada ends at version 1"), "{beyond:?}");
    let before = installation.run(&[&state[..], &["--at", "2020-01-01T00:00:00Z"]].concat()).await;
    assert_eq!((before.code, &*before.stdout), (Some(5), ""), "{before:?}");
    assert!(before.stderr.contains("begins with version 1, of 20"), "{before:?}");

    let events = ["events", "person", "ada", "--from-version", "2"];
    let none = installation.run(&events).await;
    assert_eq!((none.ok(), &*none.stderr), ("", "nothing: person/ada ends at version 1\n"));
    let none = installation.run(&[&events[..], &["--json"]].concat()).await;
    assert_eq!((none.ok(), &*none.stderr), ("", ""));
}

#[tokio::test]
async fn nobody_there_is_5_whoever_says_so() {
    let installation = Installation::start().await;
    let tag = ["send", "person", "nobody", "tag", "--json", r#"{"tag":"vip"}"#];
    let refused = installation.run(&tag).await;
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.starts_with("not-found: "), "{refused:?}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_not_to_be_waited_for() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    let late = ["send", "person", "ada", "activate", "--deadline", "2020-01-01T00:00:00Z"];
    let refused = installation.run(&late).await;
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(refused.stderr.contains("later --deadline"), "{refused:?}");
    assert!(!refused.stderr.contains("--command-id"), "{refused:?}");
}

#[tokio::test]
async fn a_refusal_does_not_repeat_ten_thousand_characters() {
    let long = "x".repeat(10_000);
    let installation = Installation::start().await;
    for arguments in [
        &["state", "person", &long][..],
        &["state", &long, "ada"],
        &["send", &long, "ada", "tag"],
        &["send", "person", "ada", &long],
        &["query", &long, "get"],
        &["query", "directory", "count", "--by", &long],
        &["upcast", "--type", &long, "--version", "1"],
        &["tail", "--log", &format!("{long}=a=b")],
        &["tail", &format!("--{long}")],
        &[&long],
    ] {
        let refused = installation.run(arguments).await;
        assert!(refused.code != Some(0) && refused.stderr.contains("xxx…"), "{refused:?}");
        assert!(refused.stderr.len() < 3_000, "{refused:?}");
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named_without_its_password() {
    for arguments in [&["tail"][..], &["serve", "--secret-file", "/dev/stdin"]] {
        let mut command = binary().await;
        command.args(arguments).args(["--nats", "nats://ada:hush@127.0.0.1:9"]);
        command.args(["--store", "/dev/null"].iter().filter(|_| arguments.len() > 1));
        let refused = finish(command, &"07".repeat(32)).await;
        assert_eq!(refused.code, Some(6), "{refused:?}");
        assert!(refused.stderr.contains("nats://127.0.0.1:9"), "{refused:?}");
        assert!(refused.stderr.contains("headwater dev"), "{refused:?}");
        assert!(!refused.stderr.contains("hush"), "{refused:?}");
    }
}

#[tokio::test]
async fn the_read_models_are_their_owners_alone() {
    let server = Server::start().await;
    let service = Service::start(env!("CARGO_BIN_EXE_headwater"), server.url(), &[]).await;
    let files = std::fs::read_dir(service.folder()).unwrap().map(Result::unwrap);
    let files: Vec<_> =
        files.filter(|file| file.file_name().to_str().unwrap().starts_with("db")).collect();
    assert!(files.len() > 1, "the store and its write-ahead log: {files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
}
