//! What a policy or an effect would do about one event: its pure functions, and nothing that acts.
//! Not here: which events it is shown.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use kit::{AggregateId, CommandId, Delivery, Order, Reaction};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    composition::HandlerPart,
    handler::{AnyBatchEffect, AnyEffect, AnyPolicy, Failure, Source},
};

/// What came of one event in a replay.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Rehearsed {
    /// A policy would do this.
    Reacted {
        /// In this order.
        reactions: Vec<Planned>,
    },
    /// An effect would be run.
    Run {
        /// Whether it would be run again if it was begun before, and its end was not seen.
        promise: Promise,
    },
    /// It was discarded from the dead letters, and would not be handled.
    Discarded,
    /// The handler would fail.
    Failed {
        /// Why.
        reason: String,
    },
}

/// How often an effect acts outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// Rather twice than never.
    AtLeastOnce,
    /// Rather never than twice.
    AtMostOnce,
}

impl From<Delivery> for Promise {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::AtLeastOnce => Self::AtLeastOnce,
            Delivery::AtMostOnce => Self::AtMostOnce,
        }
    }
}

/// One thing that a policy would ask for.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "does", rename_all = "kebab-case")]
pub enum Planned {
    /// Send a command.
    Send(PlannedOrder),
    /// Set a timer, or move it.
    Set {
        /// Which timer.
        timer: String,
        /// When.
        at: DateTime<Utc>,
        /// What it would send.
        order: PlannedOrder,
    },
    /// Cancel a timer.
    Cancel {
        /// Which timer.
        timer: String,
    },
}

/// A command that would be sent.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedOrder {
    /// The aggregate type.
    pub aggregate: &'static str,
    /// Which one.
    pub id: AggregateId,
    /// The command's name.
    pub command: &'static str,
    /// The id it would have: the same at each delivery, so that it is carried out once.
    pub command_id: CommandId,
    /// Its body.
    pub body: Box<RawValue>,
}

/// A handler that can only say what it would do.
pub(super) enum Rehearsal {
    Policy(Arc<dyn AnyPolicy>),
    Effect(Arc<dyn AnyEffect>),
    Batch(Arc<dyn AnyBatchEffect>),
}

impl Rehearsal {
    /// None for a projection, which is folded.
    pub(super) fn of(part: &HandlerPart) -> Option<Self> {
        match part {
            HandlerPart::Policy(policy) => Some(Self::Policy(Arc::clone(policy))),
            HandlerPart::Effect(effect) => Some(Self::Effect(Arc::clone(effect))),
            HandlerPart::Batch(effect) => Some(Self::Batch(Arc::clone(effect))),
            HandlerPart::Projection(_) => None,
        }
    }

    /// What it would do about the event; none if nothing.
    pub(super) fn of_event(&self, source: &Source<'_>) -> Option<Rehearsed> {
        let outcome = match self {
            Self::Policy(policy) => reactions(&**policy, source),
            Self::Effect(effect) => {
                let due = effect.delivery(source);
                due.map(|due| due.map(|it| Rehearsed::Run { promise: it.into() }))
            }
            Self::Batch(effect) => {
                let promise = Promise::AtLeastOnce;
                effect.is_due(source).map(|due| due.then_some(Rehearsed::Run { promise }))
            }
        };
        outcome.unwrap_or_else(|failure| Some(Rehearsed::Failed { reason: failure.to_string() }))
    }
}

fn reactions(policy: &dyn AnyPolicy, source: &Source<'_>) -> Result<Option<Rehearsed>, Failure> {
    let reactions = policy.reactions(source)?;
    let planned = |(ordinal, reaction)| plan(policy.name(), source, ordinal, reaction);
    let reactions =
        reactions.into_iter().enumerate().map(planned).collect::<Result<Vec<_>, _>>()?;
    Ok((!reactions.is_empty()).then_some(Rehearsed::Reacted { reactions }))
}

fn order(
    handler: &str,
    source: &Source<'_>,
    ordinal: usize,
    Order { aggregate, id, name, body }: Order,
) -> Result<PlannedOrder, Failure> {
    let body = RawValue::from_string(body)
        .map_err(|error| Failure::Bug(format!("a command has no JSON form: {error}")))?;
    let command_id = CommandId::derived(handler, source.element.id, ordinal);
    Ok(PlannedOrder { aggregate, id, command: name, command_id, body })
}

fn plan(
    handler: &str,
    source: &Source<'_>,
    ordinal: usize,
    reaction: Reaction,
) -> Result<Planned, Failure> {
    let order = |it| order(handler, source, ordinal, it);
    Ok(match reaction {
        Reaction::Order(it) => Planned::Send(order(it)?),
        Reaction::Set(timer) => {
            Planned::Set { timer: timer.key.to_string(), at: timer.at, order: order(timer.order)? }
        }
        Reaction::Cancel(key) => Planned::Cancel { timer: key.to_string() },
    })
}
