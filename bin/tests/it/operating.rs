//! What an operator is told when something is missing.

use infrastructure::provision::{ProvisionOptions, provision};
use tests::Server;

use crate::kit::{binary, finish};

#[tokio::test]
async fn doctor_says_that_nobody_serves() {
    let server = Server::start().await;
    provision(&server.client().await, &ProvisionOptions::default()).await.unwrap();
    let mut command = binary().await;
    command.args(["doctor", "--nats", server.url()]);
    let finished = finish(command, "").await;
    assert_eq!(finished.code, Some(1));
    assert!(finished.stdout.contains("no instance takes commands"), "{}", finished.stdout);
}

#[tokio::test]
async fn serve_does_not_make_a_secret_that_others_would_not_have() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary().await;
    command.args(["serve", "--nats", server.url(), "--data"]).arg(folder.path());
    let finished = finish(command, "").await;
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("--secret-file"), "{}", finished.stderr);
}
