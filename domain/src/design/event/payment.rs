//! What was reported about payments, and what is to be done about them.
//! Not here: which report wins; the state finds out from all of them.

use chrono::{DateTime, Utc};
use kit::{AggregateId, PartId, Personal};
use serde::{Deserialize, Serialize};

use crate::{
    design::{DesignStatus, PaymentStatus, Provenance, RefundReason},
    money::{Currency, Money},
    values::{Label, Reason, Text},
};

/// What every report about a payment says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentReport {
    /// Which payment.
    pub intent_id: PartId,
    /// How many minor units.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
    /// When it was so, by the provider's clock.
    pub at: DateTime<Utc>,
    /// Which of the provider's events says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_event_id: Option<AggregateId>,
    /// How it is paid, such as `card`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Label>,
    /// Whether another fact decides where the payment stands: this one came late, or is about a
    /// payment that does not count.
    pub superseded: bool,
    /// Where the payment stands with it.
    pub payment: PaymentSummary,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Personal<Provenance>>,
}

impl PaymentReport {
    /// The amount in its currency.
    #[must_use]
    pub const fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

/// What all facts known about a request's payments amount to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSummary {
    /// Where the payment stands.
    pub status: PaymentStatus,
    /// The intent that decides it.
    pub intent_id: PartId,
    /// How many minor units that one is about.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
    /// How many attempts to pay there have been, over all intents.
    pub attempts: u32,
    /// When the last of them was, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt_at: Option<DateTime<Utc>>,
}

/// A success that pays for nothing: nobody had quoted what the request costs, or it is another amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPayment {
    /// Which payment.
    pub intent_id: PartId,
    /// How many minor units.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
    /// When it was so, by the provider's clock.
    pub at: DateTime<Utc>,
    /// Which of the provider's events says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_event_id: Option<AggregateId>,
    /// How it was paid, such as `card`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Label>,
}

impl HeldPayment {
    /// Whether `report` is the same said again.
    pub(in crate::design) fn is_told_by(&self, report: &PaymentReport) -> bool {
        let Self { intent_id, at, stripe_event_id, .. } = self;
        (intent_id, at, stripe_event_id) == (&report.intent_id, &report.at, &report.stripe_event_id)
    }

    /// Whether `other` is as much of the same payment.
    pub(in crate::design) fn is_same_money(&self, other: &Self) -> bool {
        (&self.intent_id, self.money()) == (&other.intent_id, other.money())
    }

    /// Whether it names the provider's event of `other`, which was told without one: it takes its place.
    pub(in crate::design) fn names(&self, other: &Self) -> bool {
        let (mine, others) = (&self.stripe_event_id, &other.stripe_event_id);
        mine.is_some() && others.is_none() && self.is_same_money(other)
    }

    /// The amount in its currency.
    #[must_use]
    pub const fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

payloads! {
    /// A payment was begun, or an attempt is on its way.
    PaymentIntentCreated {
        /// What was reported.
        #[serde(flatten)]
        report: PaymentReport,
        /// Whether an attempt is on its way.
        processing: bool,
    }
    /// The money is there.
    PaymentSucceeded {
        /// What was reported.
        #[serde(flatten)]
        report: PaymentReport,
        /// Where the request stands with it: `PAID` if it was handed in.
        status: DesignStatus,
    }
    /// An attempt failed.
    PaymentFailed {
        /// What was reported.
        #[serde(flatten)]
        report: PaymentReport,
        /// Why, for programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_code: Option<Label>,
        /// Why, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_reason: Option<Personal<Reason>>,
    }
    /// A payment was called off.
    PaymentCancelled {
        /// What was reported.
        #[serde(flatten)]
        report: PaymentReport,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<Reason>>,
    }
    /// Money is said to be there, and nobody has said yet what it is for: it waits for the quote.
    PaymentHeld {
        /// What was reported.
        #[serde(flatten)]
        held: HeldPayment,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// Money that came is not what was quoted, whichever of them was first. Somebody has to look at it; it
    /// is given back when the request is called off.
    PaymentUnfit {
        /// What was reported.
        #[serde(flatten)]
        held: HeldPayment,
        /// Why, for programs.
        code: Text<100>,
        /// Why, for people.
        detail: Reason,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// What the provider keeps of a payment is known.
    PaymentFeesRecorded {
        /// Which payment.
        intent_id: PartId,
        /// What the provider keeps, in minor units.
        fee: i64,
        /// What is left, in minor units.
        net: i64,
        /// Of which currency: the one that is paid out, which may be another than was paid in.
        currency: Currency,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// Money is to be given back, by somebody outside.
    RefundRequested {
        /// Which payment.
        intent_id: PartId,
        /// How many minor units.
        amount: i64,
        /// Of which currency.
        currency: Currency,
        /// Why.
        reason: RefundReason,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
}
