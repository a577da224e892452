//! The supervised nats-server: data survives it, nothing of it survives us.

use std::{path::Path, process::Stdio};

use async_nats::jetstream;
use infrastructure::{
    broker::{Broker, BrokerError, BrokerOptions},
    provision::{ProvisionOptions, provision},
};
use tests::{LIMIT, Server, binary, eventually};

/// Whether the process is there and not merely waiting for its parent to notice its end.
fn is_running(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

async fn options(data: &Path) -> BrokerOptions {
    BrokerOptions { sync_always: false, ..BrokerOptions::new(binary().await, data) }
}

#[tokio::test]
async fn acknowledged_messages_survive_kill_9_and_a_restart_on_the_same_port() {
    let mut server = Server::start().await;
    let client = server.client().await;
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    let context = jetstream::new(client.clone());
    for _ in 0..100 {
        context.publish("event.test.a", "[]".into()).await.unwrap().await.unwrap();
    }
    let (url, pid) = (server.broker().url().to_owned(), server.broker().pid());

    server.kill9();
    server.restart().await;

    assert_eq!(server.broker().url(), url);
    assert_ne!(server.broker().pid(), pid);
    let last = eventually("the same client is connected again", LIMIT, async || {
        context.get_stream("EVENTS").await.ok().map(|stream| stream.cached_info().state.clone())
    })
    .await;
    assert_eq!((last.messages, last.last_sequence), (100, 100));
}

#[tokio::test]
async fn a_stopped_server_leaves_no_process() {
    let data = tempfile::tempdir().unwrap();
    let broker = Broker::start(options(data.path()).await).await.unwrap();
    let pid = broker.pid();
    assert!(is_running(pid));
    broker.stop().await.unwrap();
    assert!(!is_running(pid));
}

#[tokio::test]
async fn a_dropped_server_leaves_no_process() {
    let data = tempfile::tempdir().unwrap();
    let broker = Broker::start(options(data.path()).await).await.unwrap();
    let pid = broker.pid();
    drop(broker);
    eventually("the process is gone", LIMIT, async || (!is_running(pid)).then_some(())).await;
}

#[tokio::test]
async fn a_server_left_behind_by_a_killed_run_is_ended_and_its_data_kept() {
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path()).await;
    let broker = Broker::start(options.clone()).await.unwrap();
    let client = async_nats::connect(broker.url()).await.unwrap();
    provision(&client, &ProvisionOptions::default()).await.unwrap();
    broker.stop().await.unwrap();
    // What `kill -9` of the parent leaves: the server on its folder, and nobody who holds the lock.
    let folder = data.path().canonicalize().unwrap().join("nats");
    let mut orphan = std::process::Command::new(&options.binary)
        .arg("-c")
        .arg(folder.join("server.conf"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // For a moment after its start a process has no command line to know it by.
    eventually("the server left behind", LIMIT, async || is_running(orphan.id()).then_some(()))
        .await;

    let broker = Broker::start(options).await.unwrap();

    assert!(!is_running(orphan.id()));
    orphan.wait().unwrap();
    let client = async_nats::connect(broker.url()).await.unwrap();
    let again = provision(&client, &ProvisionOptions::default()).await.unwrap();
    assert_eq!(again.created, Vec::<String>::new());
}

#[tokio::test]
async fn two_folders_run_side_by_side_and_one_folder_runs_once() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Broker::start(options(one.path()).await).await.unwrap();
    let second = Broker::start(options(two.path()).await).await.unwrap();
    assert_ne!(first.url(), second.url());
    let third = Broker::start(options(one.path()).await).await.unwrap_err();
    assert!(matches!(third, BrokerError::InUse(_)), "{third}");
    assert!(is_running(first.pid()) && is_running(second.pid()));
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_with_the_servers_words() {
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("wrong.conf");
    std::fs::write(&config, "no_such_option: true").unwrap();
    let options = BrokerOptions { config: Some(config), ..options(data.path()).await };
    let error = Broker::start(options).await.unwrap_err();
    assert!(matches!(error, BrokerError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no_such_option"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_told_instead_of_waited_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let data = tempfile::tempdir().unwrap();
    let port = Some(taken.local_addr().unwrap().port());
    let options = BrokerOptions { port, ..options(data.path()).await };
    let error = Broker::start(options).await.unwrap_err();
    assert!(matches!(error, BrokerError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("address already in use"), "{error}");
}

#[tokio::test]
async fn a_folder_with_spaces_and_quotes_is_as_good_as_any() {
    let parent = tempfile::tempdir().unwrap();
    let broker =
        Broker::start(options(&parent.path().join("a \"b\" \\c 'd'")).await).await.unwrap();
    broker.stop().await.unwrap();
}
