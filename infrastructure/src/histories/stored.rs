//! Commits exactly as the log has them: subject, headers and payload, and when they were stored.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{
        self,
        consumer::{DeliverPolicy, pull},
    },
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use kit::{AggregateId, Position};
use nats::{Delivered, Subject, names};
use tokio::time::timeout;

use super::{
    Histories, absent,
    live::{BATCH, away},
};
use crate::{problem::Problem, store::Store as _};

/// How long a commit that is there may be on its way.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// One stored commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCommit {
    /// Where it stands.
    pub position: Position,
    /// When the server stored it, by its clock.
    pub stored_at: DateTime<Utc>,
    /// Its headers, sorted by name; those of one name in their order.
    pub headers: Vec<(String, String)>,
    /// Its payload.
    pub payload: Bytes,
}

/// All commits of one aggregate up to one that the log's leader knew.
pub struct StoredHistory {
    messages: pull::Ordered,
    subject: String,
    goal: Position,
    reached: Position,
}

impl std::fmt::Debug for StoredHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredHistory").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Histories {
    /// The history of one aggregate as it is stored, with all that was acknowledged before.
    ///
    /// # Errors
    /// `unknown-aggregate`, `not-found` if it has no history, or `unavailable`.
    pub async fn stored(
        &self,
        aggregate: &str,
        id: &AggregateId,
    ) -> Result<StoredHistory, Problem> {
        let key = self.key(aggregate, id)?;
        let goal = self.store.last(&key).await.map_err(super::away)?;
        if goal == Position::ZERO {
            return Err(absent(&key));
        }
        let subject = Subject::event(aggregate, id);
        let context = jetstream::new(self.connection.clone());
        let log = context.get_stream_no_info(names::EVENTS).await.map_err(|error| away(&error))?;
        let config = pull::OrderedConfig {
            filter_subject: subject.clone(),
            deliver_policy: DeliverPolicy::All,
            max_batch: BATCH,
            ..pull::OrderedConfig::default()
        };
        let consumer = log.create_consumer(config).await.map_err(|error| away(&error))?;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(StoredHistory { messages, subject, goal, reached: Position::ZERO })
    }
}

impl StoredHistory {
    /// The subject of all of them.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The next commit; none behind the last one.
    ///
    /// # Errors
    /// `unavailable` if the log does not answer any more.
    pub async fn next(&mut self) -> Result<Option<StoredCommit>, Problem> {
        if self.reached >= self.goal {
            return Ok(None);
        }
        let next = timeout(READ_LIMIT, self.messages.next()).await;
        let next = next.map_err(|_| away(&"the next commit does not come"))?;
        let message = next.ok_or_else(|| away(&"it has ended"))?.map_err(|error| away(&error))?;
        let reply = message.message.reply.as_deref().unwrap_or_default();
        let Delivered { stream_sequence, time: stored_at, .. } =
            Delivered::read(reply).ok_or_else(|| away(&"a message without its place"))?;
        self.reached = Position(stream_sequence);
        let headers = message.message.headers.as_ref().map(sorted).unwrap_or_default();
        let payload = message.message.payload;
        Ok(Some(StoredCommit { position: self.reached, stored_at, headers, payload }))
    }
}

fn sorted(map: &HeaderMap) -> Vec<(String, String)> {
    let each = map.iter().flat_map(|(name, values)| {
        values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
    });
    let mut headers: Vec<_> = each.collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers
}
