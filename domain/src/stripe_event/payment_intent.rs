//! What an event of Stripe says about a payment: the parts of a `PaymentIntent` that we read.
//! Not here: the rest of it; the inbox keeps the whole.

use chrono::{DateTime, Utc};
use kit::{AggregateId, PartId, json};
use serde::Deserialize;

use super::{Payload, from_stripe};
use crate::{
    design::{PaymentFact, Provenance, RecordPayment},
    money::{Currency, Money},
    values::{Label, Reason},
};

/// What a payment is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentIntent {
    /// Stripe's id of it.
    pub id: PartId,
    /// The request it is for, which whoever made it wrote into its metadata.
    pub request_id: AggregateId,
    /// How much: of a success what has come, else what is asked for.
    pub money: Money,
    /// How it is paid, such as `card`.
    pub method: Option<Label>,
    /// Why an attempt failed, for programs.
    pub failure_code: Option<Label>,
    /// Why an attempt failed or the payment was called off, for people.
    pub failure_reason: Option<Reason>,
}

/// What can be told about a payment even where nothing can be recorded: for people who look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// Stripe's id of it.
    pub id: PartId,
    /// The request it is for, if it says so.
    pub request_id: Option<AggregateId>,
    /// How much, if that is certain.
    pub money: Option<Money>,
}

/// Why an event of a known type says nothing that could be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadIntent {
    /// It has not the shape of a payment. Where it has not is not said: that would quote it, and what is
    /// said stays when it is erased.
    #[error("data.object has not the shape of a payment intent")]
    Unreadable,
    /// Nobody can tell what it is for.
    #[error("metadata.request_id is not there: the payment was made elsewhere")]
    NoRequest,
    /// Its amount is no whole number of the currency's minor units, or nobody knows what Stripe means.
    #[error("amounts in {0} cannot be told for certain")]
    Uncertain(Currency),
}

impl BadIntent {
    /// The code on the wire, never changed.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoRequest => "no-request",
            Self::Uncertain(_) => "uncertain-amount",
        }
    }
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// A payment as Stripe writes it.
#[derive(Deserialize)]
pub(super) struct Object {
    id: PartId,
    amount: i64,
    #[serde(default)]
    amount_received: Option<i64>,
    currency: Currency,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    payment_method_types: Vec<String>,
    #[serde(default)]
    last_payment_error: Option<PaymentError>,
    #[serde(default)]
    cancellation_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct PaymentError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    payment_method: Option<PaymentMethod>,
}

#[derive(Deserialize)]
struct PaymentMethod {
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl Object {
    /// One that stands alone.
    pub(super) fn read(object: &[u8]) -> Result<Self, BadIntent> {
        json::read(object).map_err(|_| BadIntent::Unreadable)
    }

    /// The one that an event is about.
    fn of(payload: &Payload) -> Result<Self, BadIntent> {
        let event: Event =
            json::read(payload.as_str().as_bytes()).map_err(|_| BadIntent::Unreadable)?;
        Ok(event.data.object)
    }

    fn glimpse(&self, fact: PaymentFact) -> Glimpse {
        let amount = match fact {
            PaymentFact::Succeeded => self.amount_received.unwrap_or(self.amount),
            _ => self.amount,
        };
        Glimpse {
            id: self.id.clone(),
            request_id: self.metadata.request_id.as_ref().and_then(|id| id.parse().ok()),
            money: from_stripe(amount, self.currency),
        }
    }
}

impl Glimpse {
    /// What `payload`, an event that tells `fact`, is about; nothing if it has not the shape of a
    /// payment.
    #[must_use]
    pub fn of(payload: &Payload, fact: PaymentFact) -> Option<Self> {
        Some(Object::of(payload).ok()?.glimpse(fact))
    }
}

impl PaymentIntent {
    /// Reads what `payload`, an event that tells `fact`, says about a payment.
    ///
    /// # Errors
    /// [`BadIntent`], by what is wrong with it.
    pub fn read(payload: &Payload, fact: PaymentFact) -> Result<Self, BadIntent> {
        Self::of(Object::of(payload)?, fact, None)
    }

    /// What `object` says about a payment of which `fact` is told, and which is for `request` unless it
    /// names one.
    pub(super) fn of(
        object: Object,
        fact: PaymentFact,
        request: Option<&AggregateId>,
    ) -> Result<Self, BadIntent> {
        let Glimpse { id, request_id, money } = object.glimpse(fact);
        let request_id = request_id.or_else(|| request.cloned()).ok_or(BadIntent::NoRequest)?;
        let money = money.ok_or(BadIntent::Uncertain(object.currency))?;
        let error = object.last_payment_error.filter(|_| fact == PaymentFact::Failed);
        // What was tried says more than what would have been possible.
        let tried = error.as_ref().and_then(|error| error.payment_method.as_ref()?.kind.as_deref());
        let method = tried.or(object.payment_method_types.first().map(String::as_str));
        let cancelled = object.cancellation_reason.filter(|_| fact == PaymentFact::Cancelled);
        let failure = |of: fn(&PaymentError) -> Option<&String>| error.as_ref().and_then(of);
        let code = failure(|error| error.decline_code.as_ref().or(error.code.as_ref()));
        let reason = failure(|error| error.message.as_ref()).or(cancelled.as_ref());
        Ok(Self {
            id,
            request_id,
            money,
            method: method.and_then(Label::salvaged),
            failure_code: code.and_then(|code| Label::salvaged(code)),
            failure_reason: reason.and_then(|reason| Reason::salvaged(reason)),
        })
    }

    /// The command that records that `fact` has become of it, by `event` if one of Stripe's told.
    #[must_use]
    pub fn report(
        self,
        fact: PaymentFact,
        at: DateTime<Utc>,
        event: Option<AggregateId>,
        provenance: Provenance,
    ) -> RecordPayment {
        RecordPayment {
            intent_id: self.id,
            fact,
            amount: self.money.amount,
            currency: self.money.currency,
            at,
            stripe_event_id: event,
            method: self.method,
            failure_code: self.failure_code,
            failure_reason: self.failure_reason,
            provenance: Some(provenance),
        }
    }
}
