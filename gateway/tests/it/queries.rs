//! Queries over HTTP: the parameters of NATS from a URL, and answers as they are.

use infrastructure::{
    connection::ConnectOptions,
    provision::ProvisionOptions,
    runtime::{Roles, Runtime, RuntimeOptions},
};
use kit::scenario::secret;

use crate::kit::{Stand, code, composition, json};

#[tokio::test]
async fn a_document_is_found_as_it_is_after_ones_own_command() {
    let stand = Stand::start().await;
    let position = stand.create("ada").await["position"].as_u64().unwrap();
    let path = format!("/v1/people/get?key=ada&after={position}&wait_ms=20000");
    let found = stand.get(&path).await;
    assert_eq!(found.headers()["etag"], "\"1\"");
    assert_eq!(found.headers()["content-type"], "application/json");
    let found = json(found).await;
    assert_eq!(
        (&found["status"], &found["document"]["name"]),
        (&"ready".into(), &"Ada Lovelace".into())
    );
    let list = json(stand.get("/v1/people/list?limit=1").await).await;
    assert_eq!(list["documents"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_document_that_is_known_is_not_sent_again() {
    let stand = Stand::start().await;
    let ask = |after: &serde_json::Value, tag: &'static str| {
        let url =
            format!("{}/v1/people/get?key=ada&after={after}&wait_ms=20000", stand.serving.url());
        stand.http.get(url).header("if-none-match", tag).send()
    };
    let position = stand.create("ada").await["position"].clone();
    for known in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
        let answer = ask(&position, known).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["etag"]),
            (304, &"\"1\"".parse().unwrap())
        );
        assert_eq!(answer.text().await.unwrap(), "");
    }
    let position = stand.tag("ada", "vip").await["position"].clone();
    assert_eq!(ask(&position, "\"1\"").await.unwrap().headers()["etag"], "\"2\"");
    assert_eq!(code(ask(&position, "1").await.unwrap()).await, (400, "invalid".into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_has_a_code() {
    let stand = Stand::start().await;
    stand.create("ada").await;
    for (path, status, expected) in [
        ("people/fly", 404, "unknown-query"),
        ("nobody/get?key=ada", 404, "unknown-query"),
        ("people/get", 400, "invalid"),
        ("people/get?key=eve", 404, "not-found"),
        ("people/get?key=ada&more=1", 400, "invalid"),
        ("people/get?key=ada&key=eve", 400, "invalid"),
        ("people/get?key=ada&after=-1", 400, "invalid"),
        ("people/get?key=ada&after=%2b1", 400, "invalid"),
        ("people/get?key=ada&wait_ms=999999", 400, "invalid"),
        ("people/list?limit=0", 400, "invalid"),
        ("people/list?cursor=x", 400, "invalid"),
        ("people/list?where.shoe=9", 400, "invalid"),
        ("people/get?key=ada&after=99999&wait_ms=0", 504, "timeout"),
        ("pe%2eople/get?key=ada", 404, "unknown-query"),
        ("people/%3e?key=ada", 404, "unknown-query"),
        ("people", 404, "unknown-route"),
        ("people/get/ada", 404, "unknown-route"),
    ] {
        assert_eq!(
            code(stand.get(&format!("/v1/{path}")).await).await,
            (status, expected.into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_gateway_without_a_service_of_its_own_asks_whoever_is_there() {
    let stand = Stand::start().await;
    let position = stand.create("ada").await["position"].clone();
    // An instance with no role but to face HTTP.
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::start(RuntimeOptions {
        connect: ConnectOptions::new(stand.server.url()),
        provision: ProvisionOptions::default(),
        composition: composition(),
        roles: Roles {
            commands: false,
            durable: false,
            policies: false,
            projections: false,
            projections_required: false,
        },
        secret: secret(),
        master_keys: None,
        store: folder.path().join("none").into(),
        instance: "two".to_owned(),
    });
    let runtime = runtime.await.unwrap();
    let serving = crate::kit::serve(&stand.server, |gateway| gateway).await;
    for _ in 0..8 {
        let url = format!("{}/v1/people/get?key=ada&after={position}&wait_ms=20000", serving.url());
        assert_eq!(stand.http.get(url).send().await.unwrap().status(), 200);
    }
    serving.drain().await;
    runtime.drain().await;
}
