//! The chain of events that a command sets off, through policies, until it is quiet.
//!
//! Quiet means: every policy and effect has passed the last event of the chain, and what the log
//! held after that holds nothing more of it. Not here: waiting for projections; a query's `after`
//! does that.

use std::{collections::VecDeque, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{DeliverPolicy, pull},
    stream::Stream as EventLog,
};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use kit::{Position, Recorded};
use nats::{Subject, names};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    client::Client,
    composition::HandlerKind,
    envelope::{self, Data, Element},
    handler::{self, HandlerReport, HandlerState},
    problem::Problem,
};

/// How often the checkpoints are looked at. A policy writes its own every 20 ms.
const POLL: Duration = Duration::from_millis(50);
/// A commit that the leader has and that is not delivered for so long was lost on the way.
const STALLED: Duration = Duration::from_secs(10);
/// How long a policy that has not passed the chain may stand still before following gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long, if what it depends on outside is known to be away: that may last for days.
const PATIENCE_AWAY: Duration = Duration::from_secs(1);

/// An event whose payload is still as it is stored.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The full type, `<aggregate>.<kind>`.
    pub kind: String,
    /// The version of the payload's shape.
    pub schema_version: u32,
    /// The payload; none if it is binary.
    pub data: Option<Box<RawValue>>,
}

impl Client {
    /// The events of the conversation `correlation_id` that stand at `from` or later, in the order
    /// of the log, as they come. Ends when nothing more can follow from them.
    ///
    /// # Errors
    /// The stream's last item: `unavailable` if the log does not answer, `timeout` if a policy
    /// does not pass the chain, naming it.
    pub fn follow(
        &self,
        correlation_id: &str,
        from: Position,
    ) -> impl Stream<Item = Result<Recorded<RawEvent>, Problem>> + Send + use<> {
        let (connection, correlation_id) = (self.connection().clone(), correlation_id.to_owned());
        let chain = Chain::open(connection, correlation_id, from);
        stream::once(chain).map_ok(|chain| stream::try_unfold(chain, Chain::step)).try_flatten()
    }
}

struct Chain {
    connection: async_nats::Client,
    log: EventLog,
    correlation_id: String,
    messages: pull::Ordered,
    /// Events that were read and not yet handed out.
    ready: VecDeque<Recorded<RawEvent>>,
    /// Up to here everything was read.
    seen: Position,
    /// The last event of the chain so far.
    last: Position,
    /// The end of the log once all policies had passed `last`.
    horizon: Option<Position>,
    /// How far the policy that was behind had come, and since when it has stood there.
    slowest: Position,
    rested: Instant,
}

impl Chain {
    async fn open(
        connection: async_nats::Client,
        correlation_id: String,
        from: Position,
    ) -> Result<Self, Problem> {
        let context = jetstream::new(connection.clone());
        let log = context.get_stream(names::EVENTS).await.map_err(|error| away(&error))?;
        let start_sequence = from.0.max(1);
        let config = pull::OrderedConfig {
            filter_subject: Subject::EVENTS.to_owned(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ..pull::OrderedConfig::default()
        };
        let consumer = log.create_consumer(config).await.map_err(|error| away(&error))?;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(Self {
            connection,
            log,
            correlation_id,
            messages,
            ready: VecDeque::new(),
            seen: Position(start_sequence - 1),
            last: from,
            horizon: None,
            slowest: Position::ZERO,
            rested: Instant::now(),
        })
    }

    async fn step(mut self) -> Result<Option<(Recorded<RawEvent>, Self)>, Problem> {
        Ok(self.next().await?.map(|event| (event, self)))
    }

    async fn next(&mut self) -> Result<Option<Recorded<RawEvent>>, Problem> {
        while self.ready.is_empty() {
            match self.horizon {
                Some(horizon) if self.seen >= horizon => return Ok(None),
                Some(_) => self.read().await?,
                None => self.settle().await?,
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Reads what has come, and sets the horizon once every policy has passed the chain.
    async fn settle(&mut self) -> Result<(), Problem> {
        // In this order: what a policy did before it passed is in the log when its end is asked for.
        let behind = self.behind().await?;
        let end = self.end().await?;
        let Some(handler) = behind else {
            self.horizon = Some(end);
            return Ok(());
        };
        if handler.position > self.slowest {
            (self.slowest, self.rested) = (handler.position, Instant::now());
        }
        if self.seen >= end {
            let patience = if away_from(&handler).is_some() { PATIENCE_AWAY } else { PATIENCE };
            if self.rested.elapsed() > patience {
                return Err(stuck(&handler, self.last));
            }
            sleep(POLL).await;
        }
        while self.seen < end && self.ready.is_empty() {
            self.read().await?;
        }
        Ok(())
    }

    /// The policy or effect that is farthest behind the end of the chain.
    async fn behind(&mut self) -> Result<Option<HandlerReport>, Problem> {
        let answers = |kind| kind != HandlerKind::Projection;
        let handlers = handler::report(&self.connection).await?;
        let behind = handlers.into_iter().filter(|it| answers(it.kind) && it.position < self.last);
        Ok(behind.min_by_key(|it| it.position))
    }

    /// The last position of the log, as the leader has it.
    async fn end(&mut self) -> Result<Position, Problem> {
        let info = self.log.get_info().await.map_err(|error| away(&error))?;
        Ok(Position(info.state.last_sequence))
    }

    /// Takes the next commit, which the leader has.
    async fn read(&mut self) -> Result<(), Problem> {
        let message = timeout(STALLED, self.messages.next()).await;
        let message = message.map_err(|error| away(&error))?;
        let message = message.ok_or_else(|| away(&"the subscription ended"))?;
        let message = message.map_err(|error| away(&error))?;
        let position = message.info().map_err(|error| away(&error))?.stream_sequence;
        self.seen = Position(position);
        let Some(Subject::Event { aggregate, .. }) = Subject::parse(&message.subject) else {
            return Ok(());
        };
        let elements = match envelope::decode(&message.payload) {
            Ok(elements) => elements,
            Err(error) => {
                // Nobody can tell whether it belongs to the chain.
                tracing::warn!(position, %error, "passing over a commit that cannot be read");
                return Ok(());
            }
        };
        for (index, element) in elements.iter().enumerate() {
            if element.metadata.correlation_id == self.correlation_id {
                self.ready.push_back(recorded(element, &aggregate, self.seen, index));
                (self.last, self.horizon, self.rested) = (self.seen, None, Instant::now());
            }
        }
        Ok(())
    }
}

fn recorded(
    element: &Element<'_>,
    aggregate: &str,
    position: Position,
    index: usize,
) -> Recorded<RawEvent> {
    let data = match &element.data {
        Data::Json(raw) => Some((*raw).to_owned()),
        Data::Base64 { .. } => None,
    };
    let (kind, schema_version) = (element.kind.to_string(), element.schema_version);
    Recorded {
        id: element.id,
        aggregate: aggregate.to_owned(),
        aggregate_id: element.aggregate_id.clone(),
        version: element.version,
        position,
        index,
        time: element.time,
        metadata: element.metadata.clone(),
        event: RawEvent { kind, schema_version, data },
    }
}

fn away(error: &dyn std::fmt::Display) -> Problem {
    Problem::unavailable(format!("the event log does not answer: {error}"))
}

/// What `handler` waits for outside, if the last attempt at it failed.
fn away_from(handler: &HandlerReport) -> Option<&str> {
    let breaker = handler.breaker.as_ref().filter(|breaker| breaker.failures > 0);
    breaker.map(|breaker| breaker.dependency.as_str())
}

fn stuck(handler: &HandlerReport, last: Position) -> Problem {
    let HandlerReport { name, position, owner, state, .. } = handler;
    let why = match (owner, state, away_from(handler)) {
        (None, ..) => "it runs nowhere".to_owned(),
        (_, Some(HandlerState::Halted { reason }), _) => format!("it has halted: {reason}"),
        (.., Some(outside)) => format!("it waits for {outside}, which is away"),
        (_, Some(HandlerState::Retrying { reason }), _) => format!("it tries again: {reason}"),
        _ => "it takes its time".to_owned(),
    };
    Problem::timeout(format!("{name} stands at {position}, before {last}: {why}"))
}
