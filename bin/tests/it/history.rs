//! Histories that can be checked: exported over the command line and over HTTP, verified here and in
//! another language, and whatever is changed in them is found.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::kit::{Finished, Installation, finish};

async fn grown() -> Installation {
    let installation = Installation::start().await;
    installation.create("ada").await;
    for tag in ["vip", "founder", "poet"] {
        installation.send(["person", "ada", "tag"], &format!(r#"{{"tag":"{tag}"}}"#)).await;
    }
    installation
}

async fn export(installation: &Installation) -> Vec<String> {
    let exported = installation.run(&["history", "export", "person", "ada"]).await;
    exported.ok().split_inclusive('\n').map(str::to_owned).collect()
}

async fn verify(installation: &Installation, lines: &[String], more: &[&str]) -> Finished {
    let arguments = [&["history", "verify", "-", "--json"], more].concat();
    installation.run_with(&arguments, &lines.concat()).await
}

/// What is found in a document that is not right, each with its position.
fn findings(finished: &Finished) -> Vec<(Option<u64>, String)> {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let told: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(told["verified"], false);
    let found = told["findings"].as_array().unwrap().iter();
    found.map(|it| (it["position"].as_u64(), it["fault"].as_str().unwrap().to_owned())).collect()
}

/// The document with each of its lines changed by `change`, and all hashes made anew.
fn forged(lines: &[String], change: impl Fn(&mut Value)) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut values: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut chain = vec![0; 32];
    let (mut text, mut done) = (String::new(), Vec::new());
    for value in &mut values {
        change(value);
        if let Some(commit) = value.get_mut("commit") {
            let payload = STANDARD.decode(commit["payload"].as_str().unwrap()).unwrap();
            let headers = commit["headers"].as_array().unwrap().iter();
            let headers: String = headers
                .map(|it| format!("{}: {}\n", it[0].as_str().unwrap(), it[1].as_str().unwrap()))
                .collect();
            let position = commit["position"].to_string();
            let mut message = Vec::new();
            let parts = ["headwater-message-1", &position, "event.person.ada", &headers];
            for part in parts.map(str::as_bytes).into_iter().chain([payload.as_slice()]) {
                message.extend(format!("{}:", part.len()).bytes().chain(part.iter().copied()));
                message.push(b',');
            }
            let leaf = Sha256::digest(&message);
            chain = Sha256::digest([chain.as_slice(), &leaf].concat()).to_vec();
            (commit["leaf"], commit["chain"]) = (hex(&leaf).into(), hex(&chain).into());
        }
        if let Some(head) = value.get_mut("head") {
            head["chain"] = hex(&chain).into();
            head["lines"] = hex(&Sha256::digest(&text)).into();
        }
        let line = value.to_string() + "\n";
        text.push_str(&line);
        done.push(line);
    }
    done
}

#[tokio::test]
async fn an_export_is_what_the_log_says_and_what_is_changed_in_it_is_named() {
    let installation = grown().await;
    let lines = export(&installation).await;
    assert_eq!(lines.len(), 6, "a beginning, four commits and a head");
    let right = verify(&installation, &lines, &["--live"]).await.json().remove(0);
    assert_eq!((&right["verified"], &right["later_commits"]), (&true.into(), &0.into()));
    let position = |line: usize| -> u64 {
        serde_json::from_str::<Value>(&lines[line]).unwrap()["commit"]["position"].as_u64().unwrap()
    };

    let mut removed = lines.clone();
    removed.remove(2);
    let found = findings(&verify(&installation, &removed, &["--live"]).await);
    assert!(found.contains(&(Some(position(2)), "removed".to_owned())), "{found:?}");
    assert!(found.contains(&(Some(position(2)), "missing".to_owned())), "{found:?}");
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let found = findings(&verify(&installation, &swapped, &[]).await);
    assert!(found.contains(&(Some(position(2)), "reordered".to_owned())), "{found:?}");
    let mut altered = lines.clone();
    altered[3] = altered[3].replace("\"payload\":\"W", "\"payload\":\"X");
    let found = findings(&verify(&installation, &altered, &[]).await);
    assert!(found.contains(&(Some(position(3)), "altered".to_owned())), "{found:?}");

    // Who forges all of it is found by the log alone.
    let forgery = forged(&lines, |line| {
        if line["commit"]["position"] == position(3) {
            let payload = line["commit"]["payload"].as_str().unwrap();
            let text = String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap();
            let text = text.replace("founder", "fonder ");
            line["commit"]["payload"] = STANDARD.encode(text).into();
        }
    });
    assert_eq!(verify(&installation, &forgery, &[]).await.json()[0]["verified"], true);
    let found = findings(&verify(&installation, &forgery, &["--live"]).await);
    assert_eq!(found, [(Some(position(3)), "differs".to_owned())]);
    let late = forged(&lines, |line| {
        if line["commit"]["position"] == position(1) {
            line["commit"]["stored_at"] = "2001-01-01T00:00:00Z".into();
        }
    });
    let found = findings(&verify(&installation, &late, &["--live"]).await);
    assert_eq!(found, [(Some(position(1)), "stored-at".to_owned())]);
}

#[tokio::test]
async fn a_head_that_was_noted_is_found_again_until_the_history_is_rewritten() {
    let installation = grown().await;
    let noted = installation.run(&["history", "head", "person", "ada", "--json"]).await.json();
    let (noted, at) = (noted[0]["chain"].as_str().unwrap(), &noted[0]["position"]);
    let before = export(&installation).await;
    installation.send(["person", "ada", "untag"], r#"{"tag":"vip"}"#).await;
    let after = export(&installation).await;
    let found = verify(&installation, &after, &["--noted", noted]).await.json().remove(0);
    assert_eq!(&found["noted_at"], at);
    let earlier = verify(&installation, &before, &["--live"]).await.json().remove(0);
    assert_eq!(earlier["later_commits"], 1, "a log that has grown says the same up to there");
    let rewritten = forged(&after, |line| {
        if line["commit"]["position"] == *at {
            line["commit"]["headers"].as_array_mut().unwrap().push(serde_json::json!(["X", "y"]));
        }
    });
    let found = findings(&verify(&installation, &rewritten, &["--noted", noted]).await);
    assert_eq!(found, [(None, "rewritten".to_owned())]);

    // Another log altogether has none of it.
    let elsewhere = Installation::start().await;
    let found = findings(&verify(&elsewhere, &before, &["--live"]).await);
    assert!(found.iter().all(|(_, fault)| fault == "not-in-log") && found.len() == 4, "{found:?}");
}

#[tokio::test]
async fn a_document_fetched_over_http_is_checked_by_twenty_lines_of_python() {
    let installation = grown().await;
    let key = std::fs::read_to_string(installation.data.path().join("key")).unwrap();
    let path = installation.data.path().join("ada.jsonl");
    let url = format!("{}/v1/aggregates/person/ada/export?events=true", installation.dev.http);
    let mut fetch = Command::new("curl");
    fetch.args(["-sSf", "-H", &format!("X-Api-Key: {}", key.trim()), &url]);
    fetch.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let text = finish(fetch, "").await.ok().to_owned();
    assert!(text.contains("\"tag\":\"poet\""), "events are shown where they are asked for");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python/verify_history.py");
    let check = async |text: &str| {
        std::fs::write(&path, text).unwrap();
        let mut python = Command::new("python3");
        python.arg(&script).arg(&path);
        python.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        finish(python, "").await
    };
    let right = check(&text).await;
    assert!(right.ok().starts_with("whole: person/ada version 4 "), "{right:?}");
    for (from, to) in [("\"payload\":\"W", "\"payload\":\"X"), ("application/", "text/")] {
        let altered = check(&text.replacen(from, to, 1)).await;
        assert!(
            altered.code == Some(1) && altered.stderr.contains("wrong at position"),
            "{altered:?}"
        );
    }
    let shown = text.replacen("poet", "prophet", 1);
    assert_eq!(check(&shown).await.code, Some(1));
    std::fs::write(&path, shown).unwrap();
    let file = path.to_str().unwrap();
    let found = findings(&installation.run(&["history", "verify", file, "--json"]).await);
    assert!(found.iter().any(|(_, fault)| fault == "events"), "{found:?}");

    let out = installation.data.path().join("out.jsonl");
    let link = installation.data.path().join("link.jsonl");
    std::os::unix::fs::symlink(&out, &link).unwrap();
    std::fs::write(&out, "").unwrap();
    let export = ["history", "export", "person", "ada", "--out", link.to_str().unwrap()];
    let told = installation.run(&export).await;
    assert!(link.is_symlink(), "a link stays one");
    assert!(told.ok().contains("\nchain "), "{told:?}");
    let verified = installation.run(&["history", "verify", out.to_str().unwrap(), "--live"]).await;
    assert!(verified.ok().contains("the log says the same"), "{verified:?}");
}

#[tokio::test]
async fn what_cannot_be_exported_or_read_is_refused() {
    let installation = Installation::start().await;
    let absent = installation.run(&["history", "export", "person", "nobody"]).await;
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(5), ""));
    let unknown = installation.run(&["history", "head", "animal", "rex"]).await;
    assert_eq!(unknown.code, Some(5), "{unknown:?}");
    assert_eq!(installation.run(&["history", "verify", "/nowhere/at/all"]).await.code, Some(2));
    assert_eq!(installation.run(&["history", "verify", "-", "--noted", "x"]).await.code, Some(2));
    let nothing = installation.run_with(&["history", "verify", "-", "--live", "--json"], "").await;
    assert_eq!(findings(&nothing), [(None, "head".to_owned())]);
}
