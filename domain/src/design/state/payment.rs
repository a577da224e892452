//! What is known about a request's payments: the set of all facts, and where it stands because of them.
//!
//! A provider reports in any order and more than once. So nothing in here looks at the order in which
//! facts came: the same set gives the same status, amount and attempts. Of one intent, a success or a
//! cancellation is the last word, and else the fact that is the latest by the provider's clock. Of a
//! request, the intent that got the furthest counts; if several succeeded, the first of them. A success
//! that is told twice, at different times, is one success, and the first counts.
//! Not here: how many facts there may be, and whether an amount is the right one.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, Utc};
use kit::{AggregateId, Machine, PartId};
use serde::{Deserialize, Serialize};

use crate::{
    design::{DesignEvent, PaymentFact, PaymentReport, PaymentStatus, PaymentSummary},
    money::Money,
};

/// One thing that was reported about one payment. The greatest fact of a payment is its last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub fact: PaymentFact,
    /// When, by the provider's clock.
    pub at: DateTime<Utc>,
    /// Which of the provider's events said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AggregateId>,
    /// About how much money.
    #[serde(flatten)]
    pub money: Money,
}

impl Ord for Fact {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |fact: &Self| (fact.fact.finality(), fact.at, fact.fact);
        let rest = |fact: &Self| (fact.event.clone(), fact.money);
        key(self).cmp(&key(other)).then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl PartialOrd for Fact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Fact {
    fn of(fact: PaymentFact, report: &PaymentReport) -> Self {
        let (at, event) = (report.at, report.stripe_event_id.clone());
        Self { fact, at, event, money: report.money() }
    }
}

/// All facts, by payment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payment {
    facts: BTreeMap<PartId, BTreeSet<Fact>>,
}

impl Payment {
    /// Where the payment stands.
    #[must_use]
    pub fn status(&self) -> PaymentStatus {
        self.standing().map_or(PaymentStatus::None, |(_, fact)| fact.fact.status())
    }

    /// The payment that counts, and its last word.
    #[must_use]
    pub fn standing(&self) -> Option<(&PartId, &Fact)> {
        // What was paid first is what was paid for.
        let paid = self.succeeded().min_by_key(|(intent, fact)| (fact.at, (*intent).clone()));
        let claim =
            |(intent, fact): &(&PartId, &Fact)| (fact.fact.status(), fact.at, (*intent).clone());
        paid.or_else(|| self.last_words().max_by_key(claim))
    }

    /// What the facts amount to; nothing if there are none.
    #[must_use]
    pub fn summary(&self) -> Option<PaymentSummary> {
        self.standing().map(|standing| self.summed_up(standing))
    }

    /// What the facts amount to, if `fact` is the last word of the payment `intent`, which counts.
    pub(in crate::design) fn summed_up(&self, (intent, fact): (&PartId, &Fact)) -> PaymentSummary {
        let failed = self.all().filter(|(_, fact)| fact.fact == PaymentFact::Failed);
        let attempts: Vec<_> = failed.chain(self.succeeded()).map(|(_, fact)| fact.at).collect();
        PaymentSummary {
            status: fact.fact.status(),
            intent_id: intent.clone(),
            amount: fact.money.amount,
            currency: fact.money.currency,
            attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
            last_attempt_at: attempts.into_iter().max(),
        }
    }

    /// Every fact with its payment.
    pub fn all(&self) -> impl Iterator<Item = (&PartId, &Fact)> {
        self.facts.iter().flat_map(|(intent, facts)| facts.iter().map(move |fact| (intent, fact)))
    }

    /// Whether anything was reported about `intent`.
    #[must_use]
    pub fn knows(&self, intent: &PartId) -> bool {
        self.facts.contains_key(intent)
    }

    /// Whether `fact` of `intent` is known: the very same, or another one that the same event of the
    /// provider told.
    pub(in crate::design) fn has(&self, intent: &PartId, fact: &Fact) -> bool {
        let told = |known: &Fact| known.event.is_some() && known.event == fact.event;
        self.facts.get(intent).is_some_and(|facts| facts.contains(fact))
            || self.all().any(|(_, known)| told(known))
    }

    /// The facts with `fact` of `intent` among them.
    pub(in crate::design) fn with(mut self, intent: &PartId, fact: Fact) -> Self {
        self.facts.entry(intent.clone()).or_default().insert(fact);
        self
    }

    /// The payments that succeeded, each with its success.
    pub(in crate::design) fn succeeded(&self) -> impl Iterator<Item = (&PartId, &Fact)> {
        self.last_words().filter(|(_, fact)| fact.fact == PaymentFact::Succeeded)
    }

    fn last_words(&self) -> impl Iterator<Item = (&PartId, &Fact)> {
        self.facts.iter().filter_map(|(intent, facts)| Some((intent, last_word(facts)?)))
    }
}

fn last_word(facts: &BTreeSet<Fact>) -> Option<&Fact> {
    let success = facts.iter().find(|fact| fact.fact == PaymentFact::Succeeded);
    success.or_else(|| facts.last())
}

/// What `event` reports, if it is about a payment.
fn reported(event: &DesignEvent) -> Option<(PaymentFact, &PaymentReport)> {
    use DesignEvent as E;
    Some(match event {
        E::PaymentIntentCreated(e) if e.processing => (PaymentFact::Processing, &e.report),
        E::PaymentIntentCreated(e) => (PaymentFact::Created, &e.report),
        E::PaymentSucceeded(e) => (PaymentFact::Succeeded, &e.report),
        E::PaymentFailed(e) => (PaymentFact::Failed, &e.report),
        E::PaymentCancelled(e) => (PaymentFact::Cancelled, &e.report),
        _ => return None,
    })
}

/// There is no table of arrows: where a fact leads depends on all the others.
impl Machine for Payment {
    type Event = DesignEvent;
    type Stage = PaymentStatus;

    fn after(self, event: &DesignEvent) -> Result<Self, Self> {
        let Some((fact, report)) = reported(event) else { return Err(self) };
        let fact = Fact::of(fact, report);
        if self.has(&report.intent_id, &fact) {
            return Err(self);
        }
        Ok(self.with(&report.intent_id, fact))
    }

    fn stage(&self) -> PaymentStatus {
        self.status()
    }
}
