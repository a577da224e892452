//! Connecting: with and without TLS, and again after the server was away.

use std::path::PathBuf;

use infrastructure::connection::{ConnectError, ConnectOptions, connect};
use tests::{Authority, LIMIT, Server, eventually};

#[tokio::test]
async fn a_server_that_asks_for_certificates_gets_them_and_refuses_without() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1");
    let config = format!(
        "tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {:?}, verify: true }}",
        authority.path()
    );
    let server = Server::start_with(&config, &[]).await;
    let known = ConnectOptions {
        tls_ca: Some(authority.path()),
        tls_identity: Some(authority.issue("client")),
        tls_required: true,
        ..ConnectOptions::new(server.url())
    };
    let client = connect(&known).await.unwrap();
    client.flush().await.unwrap();
    assert!(client.server_info().tls_required);

    let nameless = ConnectOptions { tls_identity: None, ..known.clone() };
    let other = Authority::new();
    let stranger = ConnectOptions { tls_identity: Some(other.issue("x")), ..known.clone() };
    let distrusting = ConnectOptions { tls_ca: Some(other.path()), ..known };
    for options in [nameless, stranger, distrusting] {
        let error = connect(&options).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let server = Server::start().await;
    let options = ConnectOptions { tls_required: true, ..ConnectOptions::new(server.url()) };
    let error = connect(&options).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_key_file_is_named() {
    let nkey = Some(PathBuf::from("/nowhere/seed.nk"));
    let options = ConnectOptions { nkey, ..ConnectOptions::new("nats://127.0.0.1:1") };
    let error = connect(&options).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/seed.nk"), "{error}");
}

#[tokio::test]
async fn a_missing_certificate_file_is_named() {
    let absent = PathBuf::from("/nowhere/ca.pem");
    let options = ConnectOptions::new("tls://127.0.0.1:1");
    for options in [
        ConnectOptions { tls_ca: Some(absent.clone()), ..options.clone() },
        ConnectOptions { tls_identity: Some((absent.clone(), absent.clone())), ..options.clone() },
        ConnectOptions { credentials: Some(absent.clone()), ..options },
    ] {
        let error = connect(&options).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}

#[tokio::test]
async fn a_subscription_goes_on_after_the_server_was_away() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let mut subscription = client.subscribe("greeting").await.unwrap();
    client.flush().await.unwrap();
    server.kill9();
    server.restart().await;
    let publisher = server.client().await;
    eventually("a message arrives on the old subscription", LIMIT, async || {
        publisher.publish("greeting", "hello".into()).await.ok()?;
        publisher.flush().await.ok()?;
        futures::FutureExt::now_or_never(futures::StreamExt::next(&mut subscription)).flatten()
    })
    .await;
}
