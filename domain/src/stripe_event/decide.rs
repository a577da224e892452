//! The rules of the inbox.
//! Not here: where an event leads.

use chrono::{DateTime, Utc};
use kit::{AggregateId, Context, Machine, Personal, json};
use serde::Deserialize;

use super::{
    Payload, SetAside, StripeEvent, StripeEventCommand, StripeEventErased, StripeEventError,
    StripeEventEvent, StripeEventIgnored, StripeEventReceived, StripeEventSetAside, fact_of,
};
use crate::values::Label;

type Decision = Result<Vec<StripeEventEvent>, StripeEventError>;

/// What every event of Stripe has.
#[derive(Deserialize)]
struct Envelope {
    id: AggregateId,
    #[serde(rename = "type")]
    kind: Label,
    created: i64,
    livemode: bool,
    #[serde(default)]
    api_version: Option<Label>,
}

impl StripeEvent {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`StripeEventError`], if it may not be.
    pub fn decide(&self, command: &StripeEventCommand, context: &Context) -> Decision {
        match (self, command) {
            (Self::Unknown, StripeEventCommand::Receive(command)) => {
                receive(&command.payload, context)
            }
            // A repeat may be worded otherwise, and says how many repeats are still to come.
            (_, StripeEventCommand::Receive(_)) => Ok(Vec::new()),
            (Self::Received, StripeEventCommand::SetAside(command)) => {
                let SetAside { code, detail } = command.clone();
                Ok(vec![StripeEventSetAside { code, detail }.into()])
            }
            // Why it did not fit the first time stands.
            (Self::SetAside, StripeEventCommand::SetAside(_)) => Ok(Vec::new()),
            (Self::Unknown, StripeEventCommand::SetAside(_)) => Err(StripeEventError::NotFound),
            (Self::Unknown, StripeEventCommand::EraseStripeEvent(_)) => {
                Err(StripeEventError::NotFound)
            }
            (Self::Erased, StripeEventCommand::EraseStripeEvent(_)) => Ok(Vec::new()),
            (_, StripeEventCommand::EraseStripeEvent(_)) => Ok(vec![StripeEventErased {}.into()]),
            (Self::Ignored | Self::Erased, StripeEventCommand::SetAside(_)) => {
                Err(StripeEventError::NotWhile(self.stage()))
            }
        }
    }
}

fn receive(payload: &Payload, context: &Context) -> Decision {
    let envelope: Envelope =
        json::read(payload.as_str().as_bytes()).map_err(|_| StripeEventError::NotAnEvent)?;
    let created: DateTime<Utc> =
        DateTime::from_timestamp(envelope.created, 0).ok_or(StripeEventError::NotAnEvent)?;
    if context.aggregate_id().is_some_and(|id| *id != envelope.id) {
        return Err(StripeEventError::AnotherEvent);
    }
    let (payload, Envelope { kind, livemode, api_version, .. }) =
        (Personal::Known(payload.clone()), envelope);
    Ok(vec![if fact_of(kind.as_str()).is_some() {
        StripeEventReceived { kind, created, livemode, api_version, payload }.into()
    } else {
        StripeEventIgnored { kind, created, livemode, api_version, payload }.into()
    }])
}
