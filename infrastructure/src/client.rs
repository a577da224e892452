//! The caller's side: commands, durable commands and queries over NATS.
//! Not here: repeating a command; the caller decides, with the same command id.

mod offer;
mod ping;

use std::{collections::BTreeMap, error::Error as _, time::Duration};

use async_nats::{RequestErrorKind, jetstream};
use chrono::Utc;
use jetstream::context::{PublishError, PublishErrorKind};
use kit::{CommandId, excerpt};
use nats::{Subject, headers, limits};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    durable::Outcome,
    problem::Problem,
    request::{CommandRequest, Reply},
    sealing::Keys,
    wire,
};

pub use offer::Offer;

/// Queries that instances answer about themselves.
const OWN: [&str; 2] = ["commands", "handlers"];
/// How long a caller waits for the answer to a command that has no deadline.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// A query may wait 30 s for its projection; then its own `timeout` must still arrive.
const QUERY_TIMEOUT: Duration = Duration::from_secs(35);

/// Sends commands and queries to the service behind a NATS connection.
#[derive(Debug, Clone)]
pub struct Client {
    connection: async_nats::Client,
    jetstream: jetstream::Context,
    command_timeout: Duration,
    keys: Option<Keys>,
}

impl Client {
    /// A client on `connection`.
    #[must_use]
    pub fn new(connection: async_nats::Client) -> Self {
        let jetstream = jetstream::new(connection.clone());
        Self { connection, jetstream, command_timeout: COMMAND_TIMEOUT, keys: None }
    }

    /// The same client with another limit for commands that have no deadline.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// The same client, for whoever reads the log beside it: with what opens what is sealed there.
    #[must_use]
    pub fn opening(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// What opens what is sealed in the log.
    #[must_use]
    pub const fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// The connection underneath.
    #[must_use]
    pub const fn connection(&self) -> &async_nats::Client {
        &self.connection
    }

    /// Sends a command and waits for its answer, until its deadline if it has one. A request
    /// without a command id gets one; to repeat a request after `outcome-unknown`, give it one
    /// beforehand with [`CommandRequest::identified`].
    ///
    /// # Errors
    /// The service's refusal; `unavailable` if nobody answers commands; `outcome-unknown` if no
    /// answer came in time.
    pub async fn send(&self, request: &CommandRequest) -> Result<Reply, Problem> {
        let request = request.clone().identified();
        let timeout = self.patience(&request);
        let id = request.command_id.as_ref().map_or("", CommandId::as_str);
        let unknown = |why: String| {
            Problem::outcome_unknown(format!("{why}; repeat it with the same command id, {id}"))
        };
        let message = async_nats::Request::new()
            .headers(checked(&request)?)
            .payload(request.body.clone())
            .timeout(Some(timeout));
        let answer = self.connection.send_request(subject(&request), message).await;
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Problem::unavailable(
                "nobody takes commands here: is `headwater dev` or `headwater serve` running on \
                 this NATS, with the role `commands`?",
            ),
            RequestErrorKind::InvalidSubject => Problem::invalid(error.to_string()),
            RequestErrorKind::MaxPayloadExceeded => Problem::too_large(error.to_string()),
            RequestErrorKind::TimedOut => unknown(format!("no answer came within {timeout:?}")),
            RequestErrorKind::Other => unknown(error.to_string()),
        })?;
        decode(&wire::read_answer(answer)?)
    }

    /// Hands a command to the work queue and returns once the broker has it. What becomes of it is
    /// asked for with [`Self::result`].
    ///
    /// # Errors
    /// `unavailable` if the queue is away or refuses, `outcome-unknown` if the broker did not confirm in
    /// time or is in trouble: then another replica may have it all the same.
    pub async fn enqueue(&self, request: &CommandRequest) -> Result<CommandId, Problem> {
        let request = request.clone().identified();
        let Some(id) = request.command_id.clone() else {
            return Err(Problem::invalid("a durable command needs a command id"));
        };
        let mut map = checked(&request)?;
        map.insert(headers::MESSAGE_ID, id.as_str());
        let CommandRequest { aggregate, id: aggregate_id, name, body, .. } = request;
        let subject = Subject::Enqueue { aggregate, id: aggregate_id, name }.to_string();
        let unknown = |error: &dyn std::fmt::Display| {
            Problem::outcome_unknown(format!(
                "the queue did not confirm: {error}; repeat it with the same command id, {id}"
            ))
        };
        let acknowledged = self
            .jetstream
            .publish_with_headers(subject, map, body)
            .await
            .map_err(|error| unknown(&error))?
            .await;
        match acknowledged {
            Ok(_) => Ok(id),
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                Err(Problem::unavailable(
                    "no stream takes durable commands here: start `headwater dev` or `headwater \
                     serve`, which provision it",
                ))
            }
            Err(error) if refuses(&error) => {
                Err(Problem::unavailable(format!("the queue refuses: {error}")))
            }
            Err(error) => Err(unknown(&error)),
        }
    }

    /// What became of a durable command: [`OutcomeStatus::Pending`] while it is in the queue.
    ///
    /// # Errors
    /// `not-found` if no such command was enqueued in the last thirty days; otherwise as
    /// [`Self::query`].
    ///
    /// [`OutcomeStatus::Pending`]: crate::durable::OutcomeStatus::Pending
    pub async fn result(&self, id: &CommandId) -> Result<Outcome, Problem> {
        let params = BTreeMap::from([("command_id", id)]);
        let answer = self.query("commands", "result", &params).await?;
        decode(answer.get().as_bytes())
    }

    /// Asks a projection, with `params` as the JSON object of the query.
    ///
    /// # Errors
    /// The service's problem; `unavailable` if nobody answers for the projection; `timeout`.
    pub async fn query(
        &self,
        projection: &str,
        name: &str,
        params: &(impl Serialize + Sync),
    ) -> Result<Box<RawValue>, Problem> {
        let body =
            serde_json::to_vec(params).map_err(|error| Problem::invalid(error.to_string()))?;
        let subject =
            Subject::Query { projection: projection.into(), name: name.into() }.to_string();
        if Subject::parse(&subject).is_none() {
            let subject = excerpt(&subject);
            return Err(Problem::unknown_query(format!("{subject:?} names no query")));
        }
        let message = async_nats::Request::new().payload(body.into()).timeout(Some(QUERY_TIMEOUT));
        let answer = self.connection.send_request(subject, message).await;
        if matches!(&answer, Err(error) if error.kind() == RequestErrorKind::NoResponders) {
            return Err(self.unanswered(projection).await);
        }
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::MaxPayloadExceeded => Problem::too_large(error.to_string()),
            RequestErrorKind::InvalidSubject => Problem::invalid(error.to_string()),
            RequestErrorKind::TimedOut => {
                Problem::timeout(format!("no answer came within {QUERY_TIMEOUT:?}"))
            }
            _ => Problem::unavailable(error.to_string()),
        })?;
        decode(&wire::read_answer(answer)?)
    }

    /// Why nobody answers queries on `projection`.
    async fn unanswered(&self, projection: &str) -> Problem {
        let mut offered = self.offer().await.unwrap_or_default().queries;
        // What the service knows of itself is asked for like a projection, and is none.
        let own = OWN.iter().filter(|name| offered.remove(**name).is_some());
        let own: Vec<_> = own.map(|&name| name.to_owned()).collect();
        if offered.is_empty() || offered.contains_key(projection) || OWN.contains(&projection) {
            return Problem::unavailable(format!(
                "nobody answers queries on {projection:?}: there is no such projection, or no \
                 instance runs with its role"
            ));
        }
        let known = offered.into_keys().chain(own);
        let known = known.collect::<Vec<_>>().join(", ");
        Problem::unknown_query(format!("{projection:?} is no projection; there is {known}"))
    }

    fn patience(&self, request: &CommandRequest) -> Duration {
        let Some(deadline) = request.deadline else { return self.command_timeout };
        // The service's own `deadline` answer is better than a time-out, so wait for it a little.
        (deadline - Utc::now()).to_std().unwrap_or_default() + Duration::from_millis(500)
    }
}

/// Whether the broker says that it has stored nothing.
fn refuses(error: &PublishError) -> bool {
    let answer = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    // From 500 on a server is in trouble, as where a stream is full: see the event store's appends.
    answer.is_some_and(|answer| answer.code() < 500)
}

fn subject(request: &CommandRequest) -> String {
    Subject::command(&request.aggregate, &request.id, &request.name)
}

/// The headers, once the request is known to reach the service as one.
fn checked(request: &CommandRequest) -> Result<async_nats::HeaderMap, Problem> {
    let size = request.body.len();
    if size > limits::COMMAND_BYTES_MAX {
        let limit = limits::COMMAND_BYTES_MAX;
        return Err(Problem::too_large(format!("the body has {size} bytes, {limit} are allowed")));
    }
    let subject = subject(request);
    if Subject::parse(&subject).is_none() {
        let subject = excerpt(&subject);
        return Err(Problem::invalid(format!("{subject:?} names no command")));
    }
    wire::write_headers(request)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::unavailable(format!("the answer cannot be read: {error}")))
}
