//! Policies: whenever this event, then these commands, now or later. Pure.
//! Not here: delivery, retry, how the commands are sent, and how timers are kept.

use crate::{Aggregate, AggregateId, Command, EventSet, Reaction, Recorded, Retries};

/// A command that a policy asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The aggregate type it is for.
    pub aggregate: &'static str,
    /// Which one.
    pub id: AggregateId,
    /// The command's name.
    pub name: &'static str,
    /// The command's body as JSON.
    pub body: String,
}

impl Order {
    /// Orders `command` of the aggregate `A` with the id `id`.
    ///
    /// # Errors
    /// If the command has no JSON form.
    pub fn to<A: Aggregate>(
        id: &AggregateId,
        command: impl Into<A::Command>,
    ) -> serde_json::Result<Self> {
        let command = command.into();
        let body = String::from_utf8(command.body()?).map_err(serde::ser::Error::custom)?;
        Ok(Self { aggregate: A::TYPE, id: id.clone(), name: command.name(), body })
    }
}

/// The answer to an order that the aggregate refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was asked.
    pub order: Order,
    /// The refusal's stable code.
    pub code: String,
    /// The refusal in words.
    pub detail: String,
}

/// Where a handler that was never registered before begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the end of the log as it stood when the handler was first registered.
    Registration,
    /// At the first event ever.
    Beginning,
}

/// Whenever one of these events, then these reactions.
pub trait Policy: Send + Sync + 'static {
    /// The policy's name. Part of the wire: it names the checkpoint and derives command ids.
    const NAME: &'static str;
    /// Where a new policy begins.
    const START: Start = Start::Registration;
    /// How failed attempts are made again.
    const RETRIES: Retries = Retries::DEFAULT;
    /// The events it reads.
    type When: EventSet;

    /// What follows from `event`: commands, and timers set or cancelled.
    ///
    /// # Errors
    /// If a command has no JSON form.
    fn react(&self, event: &Recorded<Self::When>) -> serde_json::Result<Vec<Reaction>>;

    /// The commands that follow when an order was refused. By default none: the refusal is
    /// recorded and completes the event.
    ///
    /// # Errors
    /// If a command has no JSON form.
    fn on_refused(
        &self,
        _event: &Recorded<Self::When>,
        _refused: &Refused,
    ) -> serde_json::Result<Vec<Order>> {
        Ok(Vec::new())
    }
}
