//! Where a request stands, and where each fact leads.
//! Not here: rules; they decide which facts there are, and nothing in here refuses one.

mod lifecycle;
mod payment;

use std::collections::{BTreeMap, BTreeSet};

use kit::{AggregateId, Machine, PartId, Personal};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use lifecycle::{DesignStatus, Lifecycle};
pub use payment::{Fact, Payment};

use super::{
    Answer, DesignEvent, HeldPayment, PaymentHeld, PaymentSucceeded, PaymentUnfit, RefundReason,
    RequestCreated,
};
use crate::{
    money::Money,
    values::{EmailAddress, Label},
};

/// A request as the facts have made it. Whatever only readers want is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Where the request stands.
    pub lifecycle: Lifecycle,
    /// What is known about its payments.
    pub payment: Payment,
    /// What it was created with; absent before.
    pub origin: Option<Origin>,
    /// Who asks, and hears of the outcome.
    pub email: Option<EmailAddress>,
    /// What it costs, once that is said.
    pub quote: Option<Money>,
    /// The current answer to each question.
    pub answers: BTreeMap<PartId, CurrentAnswer>,
    /// What the provider keeps of each payment.
    pub fees: BTreeMap<PartId, Fees>,
    /// The payments that are to be given back.
    pub refunds: BTreeSet<PartId>,
    /// What was paid and waits for the quote, as it came.
    pub held: Vec<HeldPayment>,
    /// What was paid and is not what was quoted, as it came.
    pub unfit: Vec<HeldPayment>,
    /// The provider's events that told of it.
    pub told: BTreeSet<AggregateId>,
    /// Once what is personal in it is erased: the provider's events that went with it.
    pub erased: Option<BTreeSet<AggregateId>>,
}

/// What tells one creation of a request from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The product.
    pub product_id: Option<AggregateId>,
    /// The design.
    pub design_code: Option<Label>,
    /// Who asks.
    pub email: Option<EmailAddress>,
}

/// The current answer to a question, as far as the next one needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentAnswer {
    /// How many answers there have been.
    pub version: u32,
    /// The answer's own id.
    pub answer_id: Uuid,
    /// What tells it from others.
    pub digest: Uuid,
}

/// What the provider keeps of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// What it keeps.
    pub fee: Money,
    /// What is left.
    pub net: Money,
}

impl From<&RequestCreated> for Origin {
    fn from(created: &RequestCreated) -> Self {
        Self {
            product_id: created.product_id.clone(),
            design_code: created.design_code.clone(),
            email: known(created.email.as_ref()),
        }
    }
}

fn known<T: Clone>(value: Option<&Personal<T>>) -> Option<T> {
    value.and_then(Personal::known).cloned()
}

impl Design {
    /// Where the request stands.
    #[must_use]
    pub fn status(&self) -> DesignStatus {
        self.lifecycle.stage()
    }

    /// Whether it is about a product, which has a price.
    #[must_use]
    pub fn has_product(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.product_id.is_some())
    }

    /// What was paid and pays for nothing: held, or unfit.
    pub(super) fn set_aside(&self) -> impl Iterator<Item = &HeldPayment> {
        self.held.iter().chain(&self.unfit)
    }

    /// The payments that are to be given back and for which nobody has asked for it yet: of a cancelled
    /// request all, else all but the first. What was given back once stays so even if the provider's
    /// times turn out otherwise later, and one is always kept.
    pub(super) fn refunds_due(&self) -> Vec<(PartId, Money, RefundReason)> {
        let mut paid: Vec<_> = self
            .payment
            .succeeded()
            .filter(|(intent, _)| !self.refunds.contains(*intent))
            .collect();
        paid.sort_by_key(|(intent, success)| (success.at, (*intent).clone()));
        let cancelled = self.status() == DesignStatus::Cancelled;
        let reason = if cancelled { RefundReason::Cancelled } else { RefundReason::PaidTwice };
        let due = paid.into_iter().skip(if cancelled { 0 } else { 1 });
        due.map(|(intent, success)| (intent.clone(), success.money, reason)).collect()
    }

    /// Forgets what is personal, as if it had never been readable.
    fn forget(&mut self) {
        self.email = None;
        self.origin.iter_mut().for_each(|origin| origin.email = None);
        let erased = Answer::default().digest();
        self.answers.values_mut().for_each(|answer| answer.digest = erased);
    }

    /// Takes `event` in. Before there is a request, only its creation leads anywhere.
    pub(super) fn take(&mut self, event: &DesignEvent) {
        use DesignEvent as E;
        let unknown = self.status() == DesignStatus::Unknown;
        if unknown != matches!(event, E::RequestCreated(_)) {
            return;
        }
        self.lifecycle.advance(event);
        self.payment.advance(event);
        match event {
            E::RequestCreated(created) => {
                self.origin = Some(created.into());
                self.email = known(created.email.as_ref());
            }
            E::RequestSubmitted(submitted) => {
                self.email = submitted.email.known().cloned();
            }
            E::RequestQuoted(quoted) => {
                self.quote = Some(Money::new(quoted.amount, quoted.currency));
            }
            E::AnswerVersioned(answered) => {
                let current = CurrentAnswer {
                    version: answered.version,
                    answer_id: answered.answer_id,
                    digest: answered.answer.digest(),
                };
                self.answers.insert(answered.question_id.clone(), current);
            }
            E::PaymentFeesRecorded(recorded) => {
                let money = |amount| Money::new(amount, recorded.currency);
                let fees = Fees { fee: money(recorded.fee), net: money(recorded.net) };
                self.fees.insert(recorded.intent_id.clone(), fees);
            }
            E::PaymentHeld(PaymentHeld { held, .. }) => {
                self.held.retain(|it| !held.names(it));
                self.held.push(held.clone());
            }
            E::PaymentUnfit(PaymentUnfit { held, .. }) => {
                self.held.retain(|it| it != held);
                self.unfit.retain(|it| !held.names(it));
                self.unfit.push(held.clone());
            }
            E::PaymentSucceeded(PaymentSucceeded { report, .. }) => {
                self.held.retain(|it| !it.is_told_by(report));
                self.unfit.retain(|it| !it.is_told_by(report));
            }
            E::RefundRequested(requested) => {
                self.refunds.insert(requested.intent_id.clone());
            }
            E::PersonalDataErased(erased) => {
                let named = self.erased.get_or_insert_default();
                named.extend(erased.stripe_events.iter().cloned());
            }
            // Those of the lifecycle and of payments.
            _ => {}
        }
        self.told.extend(told_by(event).cloned());
        if self.erased.is_some() {
            self.forget();
        }
    }
}

/// Which of the provider's events `event` tells.
fn told_by(event: &DesignEvent) -> Option<&AggregateId> {
    use DesignEvent as E;
    match event {
        E::PaymentIntentCreated(e) => e.report.stripe_event_id.as_ref(),
        E::PaymentSucceeded(e) => e.report.stripe_event_id.as_ref(),
        E::PaymentFailed(e) => e.report.stripe_event_id.as_ref(),
        E::PaymentCancelled(e) => e.report.stripe_event_id.as_ref(),
        E::PaymentHeld(e) => e.held.stripe_event_id.as_ref(),
        E::PaymentUnfit(e) => e.held.stripe_event_id.as_ref(),
        _ => None,
    }
}
