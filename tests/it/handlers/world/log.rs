//! What is written into the log of a world, and what stands there.

use std::collections::BTreeMap;

use async_nats::jetstream::{
    self,
    message::StreamMessage,
    stream::{LastRawMessageErrorKind, Stream},
};
use infrastructure::{
    envelope::decode,
    request::{CommandRequest, Reply},
    sealing::Keys,
};
use kit::Position;
use nats::{Subject, names};
use tests::{LIMIT, eventually};

use super::World;
use crate::handlers::table_tennis::ball;

impl World {
    /// Serves `ball` from `id`, again as long as nobody can say whether it was.
    pub(crate) async fn serve(&self, id: &str, ball: u64) -> Reply {
        let body = format!("{{\"ball\":{ball}}}");
        let request = CommandRequest::new("server", id.parse().unwrap(), "serve", body);
        let request = request.identified();
        eventually("it is served", LIMIT, async || match self.client.send(&request).await {
            Ok(reply) => Some(reply),
            Err(problem) if problem.is_transient() => None,
            Err(problem) => panic!("{problem}"),
        })
        .await
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

    /// The whole log, opened.
    pub(crate) async fn messages(&self) -> Vec<StreamMessage> {
        self.messages_by(&self.keys).await
    }

    /// The same, opened by `keys`.
    pub(crate) async fn messages_by(&self, keys: &Keys) -> Vec<StreamMessage> {
        let stream = self.stream(names::EVENTS).await;
        let last = stream.cached_info().state.last_sequence;
        let mut messages = Vec::new();
        for sequence in 1..=last {
            let mut message = read(&stream, sequence).await.unwrap();
            if let Some(Subject::Event { aggregate, id }) = Subject::parse(&message.subject) {
                // Between a key and the mark in its place there is neither.
                let opened = eventually("the key is there, or destroyed", LIMIT, async || {
                    keys.opened(&aggregate, &id, &message.payload).await.ok()
                })
                .await;
                message.payload = opened.unwrap_or(message.payload);
            }
            messages.push(message);
        }
        messages
    }

    pub(crate) async fn last(&self) -> Position {
        Position(self.stream(names::EVENTS).await.cached_info().state.last_sequence)
    }

    /// A stream as its leader knows it, once it has one.
    pub(crate) async fn stream(&self, name: &str) -> Stream {
        let context = jetstream::new(self.connection.clone());
        eventually(&format!("{name} has a leader"), LIMIT, async || {
            context.get_stream(name).await.ok()
        })
        .await
    }
}

/// What stands at `sequence`, if anything does.
pub(crate) async fn read(stream: &Stream, sequence: u64) -> Option<StreamMessage> {
    eventually("the stream can be read", LIMIT, async || {
        match stream.get_raw_message(sequence).await {
            Ok(message) => Some(Some(message)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Some(None),
            Err(_) => None,
        }
    })
    .await
}
