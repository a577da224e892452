//! Whether an instance lives, and whether it is of use.

use tests::{LIMIT, eventually};

use crate::kit::{Stand, code};

#[tokio::test]
async fn it_is_alive_and_ready_while_the_service_answers() {
    let stand = Stand::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(stand.get(path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn it_is_alive_and_not_ready_while_the_service_or_nats_is_away() {
    let Stand { serving, http, runtime, mut server, .. } = Stand::start().await;
    let ready = || http.get(serving.url() + "/readyz").send();
    runtime.drain().await;
    eventually("the service is missed", LIMIT, async || {
        (code(ready().await.unwrap()).await == (503, "unavailable".to_owned())).then_some(())
    })
    .await;
    server.stop().await;
    let answer = ready().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(http.get(serving.url() + "/healthz").send().await.unwrap().status(), 200);
}
