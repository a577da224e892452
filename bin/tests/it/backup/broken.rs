//! What stands in the way of a copy or of a restore, and processes that die amid one.

use std::{fs, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tests::{LIMIT, Server, Service, eventually};

use super::{BINARY, World, alone, end, events, last_of, log, run, text};
use crate::kit::{binary, finish};

/// A log of `count` commits that nobody handles.
async fn long(count: u64) -> (Server, tempfile::TempDir) {
    let server = Server::start().await;
    let service = Service::start(BINARY, server.url(), &["--roles", "commands,policies"]).await;
    drop(service);
    let context = async_nats::jetstream::new(server.client().await);
    let mut acks = Vec::new();
    for at in 0..count {
        // Nothing that packs well.
        let filler: String = (0..250).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        let body = json!([{"filler": filler}]).to_string();
        let subject = format!("event.person.p{at}");
        // As whoever appends expects it.
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        let sent = context.publish_with_headers(subject, headers, body.into());
        acks.push(sent.await.unwrap());
    }
    for ack in acks {
        ack.await.unwrap();
    }
    (server, tempfile::tempdir().unwrap())
}

fn is_begun(folder: &Path) -> bool {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    found.into_iter().any(|it| it.metadata().is_ok_and(|it| it.is_file() && it.len() > 100_000))
}

#[tokio::test]
async fn a_backup_that_was_killed_is_no_backup_and_the_next_run_makes_it_one() {
    let (server, folder) = long(1_500).await;
    let path = folder.path().join("backup");
    let mut command = binary().await;
    command.args(["backup", "create", text(&path), "--nats", server.url()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("some of the log is in a file", LIMIT, async || {
        is_begun(&path.join("EVENTS")).then_some(())
    })
    .await;
    child.kill().await.unwrap();
    if !path.join("backup.json").exists() {
        for arguments in [&["backup", "verify", text(&path)][..], &["backup", "drill", text(&path)]]
        {
            let refused = alone(arguments).await;
            assert_eq!(refused.code, Some(5), "{refused:?}");
        }
        run(&server, &["backup", "create", text(&path)]).await.ok();
    }
    assert_eq!(last_of(&path).await, end(&server).await);
    let again = run(&server, &["backup", "create", text(&path)]).await;
    assert_eq!(again.code, Some(4), "a backup is never overwritten: {again:?}");
}

#[tokio::test]
async fn a_restore_that_stalled_lets_nothing_start_and_the_next_run_takes_its_place() {
    let (server, folder) = long(4_000).await;
    let path = folder.path().join("backup");
    run(&server, &["backup", "create", text(&path)]).await.ok();
    let last = last_of(&path).await;

    let target = Server::start_synced().await;
    let mut command = binary().await;
    command.args(["restore", text(&path), "--nats", target.url()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let client = target.client().await;
    let context = async_nats::jetstream::new(client.clone());
    eventually("some of the log is there", LIMIT, async || {
        let stream = context.get_stream("EVENTS").await.ok()?;
        (stream.cached_info().state.last_sequence > 0).then_some(())
    })
    .await;
    let process = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    assert!(end(&target).await < last, "it stands still before its end");

    let secret = folder.path().join("secret");
    fs::write(&secret, "07".repeat(32)).unwrap();
    let serve = ["serve", "--secret-file", text(&secret)];
    let refused = run(&target, &serve).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("is being restored here"), "{refused:?}");
    let half = folder.path().join("half");
    for create in ["backup", "archive"] {
        let refused = run(&target, &[create, "create", text(&half)]).await;
        assert_eq!(refused.code, Some(4), "{create}: {refused:?}");
        assert!(!half.exists(), "{create}");
    }
    let other = folder.path().join("other");
    run(&server, &["backup", "create", text(&other)]).await.ok();
    assert_eq!(run(&target, &["restore", text(&other)]).await.code, Some(4), "of another backup");

    let restored = run(&target, &["restore", text(&path), "--json"]).await.json().remove(0);
    assert_eq!((&restored["resumed"], &restored["compared"]), (&json!(true), &json!(last)));
    assert_eq!(events(&client).await.cached_info().state.last_sequence, last);
    assert_eq!(log(&target, 50).await, log(&server, 50).await);
    kill_process(process, Signal::CONT).unwrap();
    let code = child.wait().await.unwrap().code();
    assert_eq!(code, Some(4), "whose place was taken touches nothing more");
    assert_eq!(end(&target).await, last);
    Service::start(BINARY, target.url(), &["--roles", "commands"]).await;
}

#[tokio::test]
async fn a_server_that_is_used_is_left_alone() {
    let mut world = World::start().await;
    world.person("ada").await;
    let folder = world.backup("backup").await;
    let refused = world.run(&["restore", text(&folder)]).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("a service runs on this server"), "{refused:?}");
    assert!(world.service.stop().await);
    let before = log(&world.server, end(&world.server).await).await;
    let refused = world.run(&["restore", text(&folder)]).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("holds something"), "{refused:?}");
    assert_eq!(log(&world.server, end(&world.server).await).await, before);
}

#[tokio::test]
async fn a_damaged_backup_is_told_by_position_and_restores_nothing() {
    let world = World::start().await;
    for id in ["ada", "bob", "carol"] {
        world.person(id).await;
    }
    let folder = world.backup("backup").await;
    let log = folder.join("EVENTS");
    let entries = fs::read_dir(&log).unwrap().map(|it| it.unwrap().path());
    let file = entries.into_iter().find(|it| it.extension().is_some_and(|it| it == "zst")).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();

    let verified = alone(&["backup", "verify", text(&folder), "--json"]).await;
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.stdout.contains("\"behind\":"), "{verified:?}");
    let server = Server::start().await;
    let refused = run(&server, &["restore", text(&folder)]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("EVENTS behind position"), "{refused:?}");
    let context = async_nats::jetstream::new(server.client().await);
    assert_eq!(context.query_account().await.unwrap().streams, 0);
    fs::remove_file(&file).unwrap();
    let verified = alone(&["backup", "verify", text(&folder)]).await;
    assert!(verified.stdout.contains("is missing"), "{verified:?}");

    // What is no file is not waited for, and one bad copy does not hide another.
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, 0o600.into()).unwrap();
    fs::remove_file(folder.join("DLQ/manifest.json")).unwrap();
    let verified = alone(&["backup", "verify", text(&folder), "--json"]).await;
    assert_eq!(verified.code, Some(1), "{verified:?}");
    let told: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    let streams = told["faults"].as_array().unwrap().iter().map(|it| it["stream"].as_str());
    assert_eq!(streams.collect::<Vec<_>>(), [Some("DLQ"), Some("EVENTS")], "{told}");
    for (verb, what) in [("archive", "holds a backup"), ("backup", "holds an archive")] {
        let folder = if verb == "backup" { folder.join("EVENTS") } else { folder.clone() };
        let refused = alone(&[verb, "verify", text(&folder)]).await;
        assert!(refused.code == Some(5) && refused.stderr.contains(what), "{refused:?}");
    }
}

/// Whether the process with this id runs a broker in `folder`.
fn serves(pid: &str, folder: &Path) -> bool {
    let line = fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(text(folder))
}

#[tokio::test]
async fn what_a_killed_drill_leaves_behind_the_next_one_removes() {
    let (server, folder) = long(1_500).await;
    let (backup, data) = (folder.path().join("backup"), folder.path().join("data"));
    run(&server, &["backup", "create", text(&backup)]).await.ok();
    let drill = async || {
        let mut command = binary().await;
        command.args(["backup", "drill", text(&backup), "--json", "--data"]).arg(&data);
        command
    };
    let scratch = data.join(".drill");
    let (mut child, mut command) = (None, drill().await);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let pid = eventually("a drill stands still amid its work", LIMIT, async || {
        let drill = child.get_or_insert_with(|| command.spawn().unwrap());
        if drill.try_wait().unwrap().is_some() {
            child = None;
            return None;
        }
        let id = drill.id()?;
        let pid = fs::read_to_string(scratch.join("nats/nats-server.pid")).ok()?;
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), Signal::STOP).unwrap();
        if serves(&pid, &scratch) {
            return Some(pid);
        }
        // It was quicker than we.
        kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), Signal::CONT).unwrap();
        None
    })
    .await;
    child.unwrap().kill().await.unwrap();
    assert!(scratch.exists() && serves(&pid, &scratch), "both are left behind");

    let report = finish(drill().await, "").await.json().remove(0);
    assert_eq!(report["restored"]["compared"], 1_500, "{report}");
    assert!(!serves(&pid, &scratch) && !scratch.exists(), "both are gone");
}
