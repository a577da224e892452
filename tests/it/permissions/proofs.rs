//! How a role proves who it is.

use std::time::Duration;

use async_nats::jetstream;
use infrastructure::{
    connection::{ConnectError, ConnectOptions, connect},
    provision::{ProvisionOptions, provision},
};
use tests::Server;

use super::guarded;

#[tokio::test]
async fn a_wrong_password_and_no_password_are_refused() {
    let (server, _service) = guarded().await;
    for user in [None, Some(("service".to_owned(), "guess".to_owned()))] {
        let options = ConnectOptions { user, ..ConnectOptions::new(server.url()) };
        let error = connect(&options).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("authorization violation"), "{error}");
    }
}

#[tokio::test]
async fn roles_can_prove_themselves_by_key_pairs() {
    let roles = ["SERVICE", "CLIENT", "PAYMENTS", "SUBSCRIBER", "OPERATOR", "REPAIRER"];
    let pairs = roles.map(|_| nkeys::KeyPair::new_user());
    let names = roles.map(|role| format!("HEADWATER_{role}_NKEY"));
    let keys = pairs.iter().map(nkeys::KeyPair::public_key).collect::<Vec<_>>();
    let environment: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(keys.iter().map(String::as_str)).collect();
    let config = [nats::server::PERMISSIONS, nats::server::NKEYS].concat();
    let server = Server::start_with(&config, &environment).await;

    let [service, client, ..] = pairs.map(|pair| {
        let path = server.folder().join(pair.public_key());
        std::fs::write(&path, pair.seed().unwrap() + "\n").unwrap();
        path
    });
    let inbox = Some("_INBOX.service".to_owned());
    let options =
        ConnectOptions { nkey: Some(service), inbox, ..ConnectOptions::new(server.url()) };
    let service = connect(&options).await.unwrap();
    provision(&service, &ProvisionOptions::default()).await.unwrap();

    let inbox = Some("_INBOX.client".to_owned());
    let options = ConnectOptions { nkey: Some(client), inbox, ..ConnectOptions::new(server.url()) };
    let mut context = jetstream::new(connect(&options).await.unwrap());
    context.set_timeout(Duration::from_millis(200));
    assert!(context.publish("event.person.a", "[]".into()).await.unwrap().await.is_err());
    let events = jetstream::new(service).get_stream("EVENTS").await.unwrap();
    assert_eq!(events.cached_info().state.messages, 0);
}
