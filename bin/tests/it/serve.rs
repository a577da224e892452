//! `headwater serve`: on a NATS that somebody else runs.

use tests::{Server, Service};

use crate::kit::{binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");

#[tokio::test]
async fn it_serves_until_it_is_asked_to_stop() {
    let server = Server::start().await;
    let mut service = Service::start(BINARY, server.url(), &[]).await;
    let run = async |arguments: &[&str]| {
        let mut command = binary().await;
        command.args(arguments).args(["--nats", server.url()]);
        finish(command, "").await
    };
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    let create = ["send", "person", "ada", "create-person", "--json", body, "--command-id", "one"];
    assert!(run(&create).await.ok().starts_with("committed"));
    assert!(service.stop().await, "SIGTERM ends it in good order");
    assert_eq!(run(&create).await.code, Some(6), "nobody takes commands now");
    service.restart().await;
    assert!(run(&create).await.ok().starts_with("replayed"));
}

#[tokio::test]
async fn an_instance_does_only_what_its_roles_say() {
    let server = Server::start().await;
    let _commands = Service::start(BINARY, server.url(), &["--roles", "commands"]).await;
    let run = async |arguments: &[&str]| {
        let mut command = binary().await;
        command.args(arguments).args(["--nats", server.url()]);
        finish(command, "").await
    };
    let unchanged = run(&["send", "person", "ada", "activate"]).await;
    assert_eq!(unchanged.code, Some(5), "the domain answers: {unchanged:?}");
    let query = run(&["query", "people", "get", "--key", "ada"]).await;
    assert_eq!(query.code, Some(6), "nobody answers queries: {query:?}");
    let doctor = run(&["doctor"]).await;
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.stdout.contains("welcome runs nowhere"), "{doctor:?}");
}

#[tokio::test]
async fn wrong_credentials_are_called_so() {
    let config = "authorization { users: [{ user: ada, password: right }] }";
    let server = Server::start_with(config, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let tail = async |password: &str| {
        let path = folder.path().join("password");
        std::fs::write(&path, format!("{password}\n")).unwrap();
        let mut command = binary().await;
        command.args(["tail", "--limit", "0", "--nats", server.url(), "--nats-user", "ada"]);
        command.arg("--nats-password-file").arg(path);
        finish(command, "").await
    };
    let wrong = tail("wrong").await;
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("--creds"), "{wrong:?}");
    // The right one gets as far as the stream, which nobody has made.
    assert!(tail("right").await.stderr.contains("EVENTS"));
}
