//! The micro service protocol (ADR-32): one service per instance, with endpoints and their counts.
//!
//! Not here: taking requests. Not async-nats's own `service` either: it answers errors with an
//! empty body where ours is a problem, and it leaves a subject without waiting for what is on its
//! way.

mod endpoint;
mod intake;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt as _, future::try_join_all, stream::select_all};
use nats::{micro, names};
use serde_json::json;
use tokio::task::JoinHandle;

pub use endpoint::{Endpoint, Stats};
pub(crate) use intake::Intake;

/// Why a service cannot take requests.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The subscription was not possible.
    #[error("cannot subscribe: {0}")]
    Subscribe(#[from] async_nats::SubscribeError),
    /// The server does not bring the service its own question.
    #[error("the service does not hear itself: {0}")]
    Unheard(#[from] async_nats::RequestError),
}

/// The instance as tools such as `nats micro` see it, until it is dropped.
#[derive(Debug)]
pub struct Micro(JoinHandle<()>);

impl Micro {
    /// Answers for the instance `id`, which offers `endpoints`. Once this returns, the server
    /// brings requests for whatever was subscribed on `connection` before.
    ///
    /// # Errors
    /// If the protocol's subjects cannot be subscribed.
    pub async fn start(
        connection: async_nats::Client,
        id: String,
        endpoints: Vec<Arc<Endpoint>>,
    ) -> Result<Self, ServiceError> {
        let subjects = micro::subjects(names::SERVICE, &id);
        let asked = try_join_all(subjects.map(|subject| connection.subscribe(subject))).await?;
        let mut asked = select_all(asked);
        let own = micro::ping(names::SERVICE, &id);
        let identity = Identity { id, started: Utc::now(), endpoints };
        let answering = connection.clone();
        let described = Self(tokio::spawn(async move {
            while let Some(question) = asked.next().await {
                let Some(reply) = question.reply else { continue };
                let Some(verb) = micro::verb(&question.subject) else { continue };
                if let Err(error) = answering.publish(reply, identity.answer(verb)).await {
                    tracing::debug!(%error, "a tool's question stays unanswered");
                }
            }
        }));
        connection.request(own, Bytes::new()).await?;
        Ok(described)
    }
}

impl Micro {
    /// Returns when the connection has ended for good. To be asked once.
    pub(crate) async fn ended(&mut self) {
        // A panic of the task is an end too.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Micro {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Identity {
    id: String,
    started: DateTime<Utc>,
    endpoints: Vec<Arc<Endpoint>>,
}

impl Identity {
    fn answer(&self, verb: micro::Verb) -> Bytes {
        let kind = match verb {
            micro::Verb::Ping => "ping",
            micro::Verb::Info => "info",
            micro::Verb::Stats => "stats",
        };
        let mut answer = json!({
            "type": format!("io.nats.micro.v1.{kind}_response"),
            "name": names::SERVICE,
            "id": self.id,
            "version": env!("CARGO_PKG_VERSION"),
            "metadata": {},
        });
        match verb {
            micro::Verb::Ping => {}
            micro::Verb::Info => {
                answer["description"] = json!("Commands become facts, facts become answers");
                answer["endpoints"] = self.endpoints.iter().map(|each| each.info()).collect();
            }
            micro::Verb::Stats => {
                answer["started"] = json!(self.started.to_rfc3339_opts(SecondsFormat::Nanos, true));
                answer["endpoints"] = self.endpoints.iter().map(|each| each.counts()).collect();
            }
        }
        answer.to_string().into()
    }
}
