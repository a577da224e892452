//! Whether the process lives, and whether requests are answered: for whoever watches over it.
//! Open to everybody, so both answers cost next to nothing and say nothing else.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, routing::get};
use infrastructure::{client::Client, problem::Problem};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::problem::Fault;

/// How long an answer is good for: asking more often asks nobody.
const FRESH: Duration = Duration::from_secs(1);
/// How long the service may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

struct Readiness {
    client: Client,
    stop: CancellationToken,
    last: Mutex<Option<(Instant, Result<(), Problem>)>>,
}

/// `/healthz` and `/readyz`.
pub(crate) fn routes(client: Client, stop: CancellationToken) -> Router {
    let readiness = Arc::new(Readiness { client, stop, last: Mutex::new(None) });
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).with_state(readiness)
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Json<Value>, Fault> {
    readiness.ask().await?;
    Ok(Json(json!({"status": "ready"})))
}

impl Readiness {
    async fn ask(&self) -> Result<(), Problem> {
        if self.stop.is_cancelled() {
            return Err(Problem::unavailable("this instance is about to end"));
        }
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = timeout(PATIENCE, self.client.ping()).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(Problem::unavailable(format!("the service did not answer within {PATIENCE:?}")))
        });
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}
