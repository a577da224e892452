//! How an instance shows who it is: credentials files, certificates, and what it says of wrong ones.

use std::path::Path;

use tests::{Authority, Disguise, Operator, Server, Service};

use crate::kit::{Finished, binary, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_headwater");

/// Runs the binary against `url` with options that say who it is.
async fn run(url: &str, identity: &[&str], arguments: &[&str]) -> Finished {
    let mut command = binary().await;
    command.args(arguments).args(["--nats", url]).args(identity);
    finish(command, "").await
}

/// A start that is to fail.
async fn serve(url: &str, folder: &Path, identity: &[&str]) -> Finished {
    let secret = folder.join("secret");
    std::fs::write(&secret, [7; 32]).unwrap();
    let store = folder.join("db");
    let (secret, store) = (secret.to_str().unwrap(), store.to_str().unwrap());
    run(url, identity, &["serve", "--secret-file", secret, "--store", store]).await
}

#[tokio::test]
async fn an_instance_shows_its_credentials_file_and_strangers_are_refused() {
    let operator = Operator::new();
    let server = Server::start_with(&operator.config(), &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let credentials = operator.credentials(folder.path());
    let identity = ["--creds", credentials.to_str().unwrap()];
    let mut service = Service::start(BINARY, server.url(), &identity).await;
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    let create = ["send", "person", "ada", "create-person", "--json", body];
    assert!(run(server.url(), &identity, &create).await.ok().starts_with("committed"));
    assert!(service.stop().await);

    let stranger = Operator::new().credentials(folder.path());
    let broken = folder.path().join("broken.creds");
    std::fs::write(&broken, "-----BEGIN NATS USER JWT-----\n").unwrap();
    let absent = folder.path().join("absent.creds");
    for (identity, code, told) in [
        (&["--creds", stranger.to_str().unwrap()][..], 1, "Say who you are with --creds"),
        (&[], 1, "Say who you are with --creds"),
        (&["--creds", broken.to_str().unwrap()], 2, "broken.creds"),
        (&["--creds", absent.to_str().unwrap()], 2, "absent.creds"),
    ] {
        let refused = serve(server.url(), folder.path(), identity).await;
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
        let refused = run(server.url(), identity, &create).await;
        assert_eq!(refused.code, Some(code), "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
}

#[tokio::test]
async fn an_instance_speaks_tls_and_shows_its_certificate() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1");
    let ca = authority.path();
    let config = format!(
        "tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {ca:?}, verify: true }}"
    );
    let server = Server::start_with(&config, &[]).await;
    let url = server.url().replace("nats://", "tls://");
    let (certificate, key) = authority.issue("client");
    let ca = ["--tls-ca", ca.to_str().unwrap()];
    let own = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let identity = [&ca[..], &own[..], &["--tls"]].concat();
    let mut service = Service::start(BINARY, &url, &identity).await;
    let body = r#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
    let create = ["send", "person", "ada", "create-person", "--json", body];
    assert!(run(&url, &identity, &create).await.ok().starts_with("committed"));
    assert!(service.stop().await);

    let folder = tempfile::tempdir().unwrap();
    let stranger = Authority::new();
    let other = stranger.path();
    let distrusting = ["--tls-ca", other.to_str().unwrap()];
    for identity in [&own[..], &ca[..], &[&distrusting[..], &own[..]].concat()] {
        let refused = serve(&url, folder.path(), identity).await;
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert!(refused.stderr.contains("NATS"), "{refused:?}");
    }
    let absent = serve(&url, folder.path(), &["--tls-ca", "/nowhere/ca.pem"]).await;
    assert_eq!(absent.code, Some(2), "{absent:?}");
    assert!(absent.stderr.contains("/nowhere/ca.pem"), "{absent:?}");
}

#[tokio::test]
async fn an_instance_refuses_a_server_that_is_too_old() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let old = Disguise::start(server.address(), "\"version\":", "\"2.11.11\"").await;
    let refused = serve(&old.url(), folder.path(), &[]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("nats-server 2.11.11 is too old"), "{refused:?}");
    assert!(refused.stderr.contains("2.12.0"), "{refused:?}");
}
