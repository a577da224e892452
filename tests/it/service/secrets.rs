//! Instances that were given different secrets.

use async_nats::jetstream;
use infrastructure::{
    problem::Problem,
    runtime::{Runtime, RuntimeError, RuntimeOptions},
};
use kit::Secret;
use nats::names;
use tests::Server;

use super::options;

fn with_secret(server: &Server, instance: &str, secret: u8) -> RuntimeOptions {
    RuntimeOptions { secret: Secret::new([secret; 32]), ..options(server, instance) }
}

async fn refusal(options: RuntimeOptions) -> Problem {
    match Runtime::start(options).await {
        Err(RuntimeError::Secret(problem)) => problem,
        other => panic!("it was to be refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_instance_with_another_secret_does_not_start_until_that_is_settled() {
    let server = Server::start().await;
    let first = Runtime::start(with_secret(&server, "one", 1)).await.unwrap();
    let problem = refusal(with_secret(&server, "two", 2)).await;
    assert_eq!((problem.status, problem.code.as_str()), (409, "secret-differs"));
    assert!(problem.detail.contains("the instance one"), "{problem}");
    let second = Runtime::start(with_secret(&server, "two", 1)).await.unwrap();
    first.drain().await;
    second.drain().await;
    refusal(with_secret(&server, "three", 2)).await;

    let context = jetstream::new(server.client().await);
    let bucket = context.get_key_value(names::HANDLERS).await.unwrap();
    let kept = bucket.get("secret").await.unwrap().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["fingerprint"].as_str().unwrap().len(), 64);
    bucket.delete("secret").await.unwrap();
    // Without one of its own, the master key follows from the secret.
    let problem = refusal(with_secret(&server, "three", 2)).await;
    assert_eq!((problem.status, problem.code.as_str()), (409, "master-key-differs"));
    bucket.delete("secret").await.unwrap();
    bucket.delete("master-key").await.unwrap();
    Runtime::start(with_secret(&server, "three", 2)).await.unwrap().drain().await;
    refusal(with_secret(&server, "one", 1)).await;
}
