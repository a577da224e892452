//! What is written into the log of a world, and what stands there.

use std::collections::BTreeMap;

use async_nats::jetstream;
use infrastructure::{
    envelope::decode,
    request::{CommandRequest, Reply},
};
use kit::Position;
use nats::names;

use super::World;
use crate::handlers::table_tennis::ball;

impl World {
    /// Serves `ball` from `id`.
    pub(crate) async fn serve(&self, id: &str, ball: u64) -> Reply {
        let body = format!("{{\"ball\":{ball}}}");
        let request = CommandRequest::new("server", id.parse().unwrap(), "serve", body);
        self.client.send(&request).await.unwrap()
    }

    /// Serves `balls` from `id`, all in one commit.
    pub(crate) async fn serve_all(&self, id: &str, balls: &[u64]) -> Reply {
        let body = format!("{{\"balls\":{balls:?}}}");
        let request = CommandRequest::new("server", id.parse().unwrap(), "serve-all", body);
        self.client.send(&request).await.unwrap()
    }

    /// Every ball of every aggregate of the type `aggregate`, in the order of the log.
    pub(crate) async fn balls(&self, aggregate: &str) -> BTreeMap<String, Vec<u64>> {
        let mut balls: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let prefix = format!("event.{aggregate}.");
        for message in self.messages().await {
            let Some(id) = message.subject.strip_prefix(&prefix) else { continue };
            for element in decode(&message.payload).unwrap() {
                let data = element.json("").unwrap();
                balls.entry(id.to_owned()).or_default().push(ball(data));
            }
        }
        balls
    }

    /// The whole log.
    pub(crate) async fn messages(&self) -> Vec<jetstream::message::StreamMessage> {
        let context = jetstream::new(self.connection.clone());
        let stream = context.get_stream(names::EVENTS).await.unwrap();
        let last = stream.cached_info().state.last_sequence;
        let mut messages = Vec::new();
        for sequence in 1..=last {
            messages.push(stream.get_raw_message(sequence).await.unwrap());
        }
        messages
    }

    pub(crate) async fn last(&self) -> Position {
        let context = jetstream::new(self.connection.clone());
        let stream = context.get_stream(names::EVENTS).await.unwrap();
        Position(stream.cached_info().state.last_sequence)
    }
}
