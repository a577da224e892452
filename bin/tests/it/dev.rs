//! `headwater dev`: it starts, survives, continues, and leaves nothing behind.

use rustix::process::{Signal, kill_process};
use tests::{LIMIT, eventually};

use crate::kit::{Dev, Installation, binary, finish, is_broker};

#[tokio::test]
async fn the_first_run_says_where_it_listens_and_what_to_try() {
    let data = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(["dev", "--nats-port", "0", "--data"]).arg(data.path());
    let mut child = command.spawn().unwrap();
    let mut output = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl-C") {
        let mut line = String::new();
        tokio::io::AsyncBufReadExt::read_line(&mut output, &mut line).await.unwrap();
        assert_ne!(line, "", "dev ended: {text}");
        text.push_str(&line);
    }
    let ready = text.lines().find(|line| line.starts_with("ready")).unwrap();
    assert!(ready.contains("nats://127.0.0.1:"), "{ready}");
    assert!(text.contains("on disk"), "the durability is stated: {text}");
    assert!(text.contains("headwater send person"), "{text}");
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn stopping_leaves_no_process_and_the_next_run_continues() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut first = Installation::start().await;
        first.create("ada").await;
        assert!(is_broker(first.dev.broker));
        assert_eq!(first.dev.stop(signal).await, Some(0));
        assert!(!is_broker(first.dev.broker));
        assert!(!first.data.path().join("nats.url").exists());

        let dev = Dev::start(first.data.path()).await;
        let second = Installation { dev, data: first.data };
        let history = second.run(&["events", "person", "ada", "--json"]).await.json();
        assert_eq!(history.len(), 1);
        assert_eq!(second.create("ada").await["status"], "unchanged");
    }
}

#[tokio::test]
async fn after_kill_9_the_next_run_ends_the_orphan_and_continues() {
    let mut first = Installation::start().await;
    first.create("ada").await;
    let orphan = first.dev.broker;
    first.dev.kill9().await;
    assert!(is_broker(orphan), "nobody could end it");

    let dev = Dev::start(first.data.path()).await;
    assert!(!is_broker(orphan));
    let second = Installation { dev, data: first.data };
    assert_eq!(second.run(&["events", "person", "ada", "--json"]).await.json().len(), 1);
}

#[tokio::test]
async fn a_second_dev_on_the_same_folder_is_refused() {
    let first = Installation::start().await;
    let refused = first.run(&["dev"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("another `headwater dev`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--data DIR"), "{}", refused.stderr);
    first.create("ada").await;
}

#[tokio::test]
async fn a_folder_whose_dev_has_stopped_stands_for_no_other_server() {
    let mut installation = Installation::start().await;
    assert_eq!(installation.dev.stop(Signal::TERM).await, Some(0));
    let refused = installation.run(&["events", "person", "ada"]).await;
    assert_eq!(refused.code, Some(6), "{}", refused.stdout);
    assert!(refused.stderr.contains("no `headwater dev` runs on"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_broker_that_dies_is_started_again() {
    let installation = Installation::start().await;
    installation.create("ada").await;
    kill_process(installation.dev.broker, Signal::KILL).unwrap();
    let body = r#"{"tag":"vip"}"#;
    let arguments =
        ["send", "person", "ada", "tag", "--json", body, "--command-id", "t", "--deadline", "5s"];
    eventually("a command is carried out again", LIMIT, async || {
        let finished = installation.run(&arguments).await;
        (finished.code == Some(0)).then_some(())
    })
    .await;
    let history = installation.run(&["events", "person", "ada", "--json"]).await.json();
    assert_eq!(history.len(), 2);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(["dev", "--nats-port", &port, "--data"]).arg(data.path());
    let refused = finish(command, "").await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains(&format!("port {port} is taken")), "{}", refused.stderr);
}

#[tokio::test]
async fn where_the_usual_port_of_http_is_taken_dev_answers_at_another_one_and_says_so() {
    // Whoever has it, this test or another program: it is not to be had.
    let _holder = tokio::net::TcpListener::bind("127.0.0.1:8080").await;
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(data.path()).await;
    assert!(!dev.http.ends_with(":8080"), "{}", dev.http);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let alive = reqwest::get(format!("{}/healthz", dev.http)).await.unwrap();
    assert_eq!(alive.status(), 200);
}
