//! What each handler has made of an event. It is derived, whenever somebody asks, from the owner's
//! position, from what it says it has in hand, and from the dead letters; nothing writes it.

use std::collections::HashMap;

use async_nats::jetstream::{self, stream::RawMessageErrorKind};
use bytes::Bytes;
use kit::{AggregateId, EventId, Position, json};
use nats::{Subject, names};
use serde::{Deserialize, Serialize};

use super::{HandlerReport, HandlerState, report};
use crate::{
    composition::{Composition, HandlerKind},
    deadletter::{Class, Cursor, DeadLetter, DeadLetters, DeadLettersError, Fact, Facts},
    envelope,
    problem::Problem,
    query::{Queries, QueryInfo},
    readmodel::generation_report,
};

const PROJECTION: &str = "handlers";
const NAME: &str = "status";

/// How far a handler is with one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processing {
    /// It is in the log and its turn has not come.
    Received,
    /// The owner has taken it in.
    Processing,
    /// It is handled.
    Processed,
    /// It has failed and is tried again.
    Failed,
    /// It stands among the dead letters, or was discarded.
    Dead,
}

/// What one handler has made of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventStatus {
    /// The handler.
    pub handler: String,
    /// How far it is.
    pub status: Processing,
    /// What else there is to say: that it was discarded or overridden, or behind what it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Everything that says how far the handlers of one aggregate are.
#[derive(Debug)]
pub struct Processings {
    aggregate: String,
    handlers: Vec<HandlerReport>,
    letters: Vec<DeadLetter>,
    facts: HashMap<String, HashMap<String, Facts>>,
}

impl Processings {
    /// Reads what the buckets and the dead letters say about the handlers that `composition` has
    /// for events of `aggregate`.
    ///
    /// # Errors
    /// `unavailable`, if something does not answer.
    pub async fn read(
        client: &async_nats::Client,
        composition: &Composition,
        aggregate: &str,
    ) -> Result<Self, Problem> {
        let readers = composition.readers_of(aggregate);
        let mut handlers = report(client).await?;
        handlers.retain(|handler| readers.iter().any(|reader| reader.name == handler.name));
        for handler in handlers.iter_mut().filter(|it| it.kind == HandlerKind::Projection) {
            // An owner says more often how far its rows are than it renews its lease.
            let told = generation_report(client, &handler.name).await?;
            let told = told.filter(|told| Some(told.epoch) == handler.epoch);
            let position = told.map_or(Position::ZERO, |told| told.position());
            handler.position = handler.position.max(position);
        }
        let dead = DeadLetters::open(client).await?;
        let letters = dead.list(None).await?;
        let mut facts = HashMap::new();
        for handler in &handlers {
            facts.insert(handler.name.clone(), dead.facts(&handler.name).await?);
        }
        Ok(Self { aggregate: aggregate.to_owned(), handlers, letters, facts })
    }

    /// What each of them has made of the event `event` of the aggregate `id`, which stands at `at`.
    #[must_use]
    pub fn of(&self, id: &AggregateId, at: Cursor, event: EventId) -> Vec<EventStatus> {
        let received = self.handlers.iter().filter(|handler| handler.since < at.position);
        let status = |handler: &HandlerReport| {
            let (status, note) = self.one(handler, id, at, event);
            EventStatus { handler: handler.name.clone(), status, note }
        };
        received.map(status).collect()
    }

    fn one(
        &self,
        handler: &HandlerReport,
        id: &AggregateId,
        at: Cursor,
        event: EventId,
    ) -> (Processing, Option<String>) {
        let facts = self.facts.get(&handler.name);
        let facts = facts.and_then(|facts| facts.get(&Subject::event(&self.aggregate, id)));
        let fact = facts.and_then(|it| it.of_event(event).or_else(|| it.of_commit(at.position)));
        let note = match fact {
            Some(Fact::Discarded) => return (Processing::Dead, Some("discarded".to_owned())),
            Some(Fact::Overridden { .. }) => Some("overridden".to_owned()),
            None => None,
        };
        let mine = |letter: &&DeadLetter| {
            letter.key.handler == handler.name
                && letter.key.aggregate == self.aggregate
                && letter.key.id == *id
        };
        if let Some(letter) = self.letters.iter().find(mine).filter(|letter| letter.at <= at) {
            if letter.parked.event.at != at {
                let head = letter.parked.event.at;
                return (Processing::Received, Some(format!("waits behind {head}")));
            }
            // The owner itself tries again what only waited too long.
            let is_dead = letter.parked.class != Class::Waiting;
            return (if is_dead { Processing::Dead } else { Processing::Failed }, note);
        }
        let status = if at.position <= handler.position {
            Processing::Processed
        } else if handler.stale || handler.owner.is_none() {
            Processing::Received
        } else {
            match handler.in_hand.is_open(at.position.0) {
                None => Processing::Received,
                Some(false) => Processing::Processed,
                Some(true) if handler.in_hand.is_failing(at) || retries_all(handler) => {
                    Processing::Failed
                }
                Some(true) => Processing::Processing,
            }
        };
        (status, note)
    }
}

/// A projection takes in together what it has in hand, so that all of it fails together.
const fn retries_all(handler: &HandlerReport) -> bool {
    matches!(handler.kind, HandlerKind::Projection)
        && matches!(handler.state, Some(HandlerState::Retrying { .. }))
}

impl From<DeadLettersError> for Problem {
    fn from(error: DeadLettersError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// Answers `query.handlers.status`.
#[derive(Debug)]
pub(crate) struct ProcessingQueries {
    pub(crate) connection: async_nats::Client,
    pub(crate) composition: Composition,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    position: Position,
    #[serde(default)]
    index: usize,
}

/// One event and what the handlers have made of it.
#[derive(Serialize)]
struct Answer<'a> {
    event_id: EventId,
    #[serde(rename = "type")]
    kind: &'a str,
    aggregate: &'a str,
    id: &'a AggregateId,
    handlers: Vec<EventStatus>,
}

impl Queries for ProcessingQueries {
    fn catalogue(&self) -> Vec<QueryInfo> {
        vec![QueryInfo { projection: PROJECTION, names: vec![NAME] }]
    }

    async fn query(&self, _: &str, name: &str, body: Bytes) -> Result<Bytes, Problem> {
        if name != NAME {
            let detail = format!("handlers has no query {name:?}; it has {NAME}");
            return Err(Problem::unknown_query(detail));
        }
        let Params { position, index } =
            json::read(&body).map_err(|error| Problem::invalid(format!("parameters: {error}")))?;
        let (subject, commit) = self.commit(position).await?;
        let Some(Subject::Event { aggregate, id }) = Subject::parse(&subject) else {
            return Err(Problem::corrupt(format!("at {position} stands no event")));
        };
        let elements = envelope::decode(&commit)
            .map_err(|corrupt| Problem::corrupt(envelope::fault::of_commit(&corrupt)))?;
        let at = Cursor { position, index };
        let event = elements.get(index);
        let event = event.ok_or_else(|| Problem::not_found(format!("no event stands at {at}")))?;
        let read = Processings::read(&self.connection, &self.composition, &aggregate).await?;
        let answer = Answer {
            event_id: event.id,
            kind: &event.kind,
            aggregate: &aggregate,
            id: &id,
            handlers: read.of(&id, at, event.id),
        };
        let written = serde_json::to_vec(&answer);
        written.map(Into::into).map_err(|error| Problem::corrupt(error.to_string()))
    }
}

impl ProcessingQueries {
    async fn commit(&self, position: Position) -> Result<(String, Bytes), Problem> {
        let away = |error: &dyn std::fmt::Display| Problem::unavailable(error.to_string());
        let context = jetstream::new(self.connection.clone());
        let log = context.get_stream_no_info(names::EVENTS).await;
        let log = log.map_err(|error| away(&error))?;
        match log.get_raw_message(position.0).await {
            Ok(message) => Ok((message.subject.to_string(), message.payload)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => {
                Err(Problem::not_found(format!("there is no commit at {position}")))
            }
            Err(error) => Err(away(&error)),
        }
    }
}
