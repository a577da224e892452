//! Rules of money: quotes, what a provider reports, and its fees.
//! Not here: what the reports amount to.

use chrono::SubsecRound;
use kit::{DomainError as _, Personal};

use super::{Decision, nothing, one};
use crate::{
    design::{
        Design, DesignError, DesignEvent, DesignStatus, Fact, Fees, HeldPayment, PaymentCancelled,
        PaymentFact, PaymentFailed, PaymentFeesRecorded, PaymentHeld, PaymentIntentCreated,
        PaymentReport, PaymentSucceeded, PaymentUnfit, Provenance, Quote, RecordFees,
        RecordPayment, RequestQuoted,
    },
    money::{AMOUNT_MAX, Money},
    values::{Reason, Text},
};

/// Most facts about payments that one request takes.
///
/// Beyond them only a hundred successes and cancellations are taken: thousands of failed attempts, as
/// there are when somebody tries out stolen cards, must not keep the payment out that succeeds.
pub const FACTS_MAX: usize = 500;
/// Room for successes and cancellations above [`FACTS_MAX`].
const FINAL_FACTS: usize = 100;

impl Design {
    pub(super) fn quoted(&self, command: &Quote) -> Decision {
        let money = Money::new(command.amount, command.currency);
        if !money.is_payable() {
            return Err(DesignError::InvalidAmount);
        }
        match self.quote {
            Some(quote) if quote == money => return nothing(),
            Some(quote) => return Err(DesignError::AlreadyQuoted(quote)),
            // Nothing is paid any more, so there is nothing to check.
            None if matches!(self.status(), DesignStatus::Cancelled | DesignStatus::Completed) => {
                return self.not_now();
            }
            None => {}
        }
        // Money that is there agrees with the quote, whichever of them came first. What was only begun
        // or has failed pays for nothing, and is no reason to name no price.
        self.payment.succeeded().try_for_each(|(_, fact)| agree(fact.money, money))?;
        let Quote { amount, currency, provenance } = command.clone();
        let provenance = self.personal(provenance);
        let quoted = one(RequestQuoted { amount, currency, provenance })?;
        self.with_held(quoted, |held| agree(money, held.money()))
    }

    /// `events`, and what becomes of the payments that stand aside: those that fit are recorded.
    pub(super) fn with_held(
        &self,
        mut events: Vec<DesignEvent>,
        fits: impl Fn(&HeldPayment) -> Result<(), DesignError>,
    ) -> Decision {
        let mut after = self.clone();
        events.iter().for_each(|event| after.take(event));
        let mut waiting: Vec<_> = self.set_aside().cloned().collect();
        waiting.sort_by_key(|held| (held.at, held.intent_id.clone()));
        for held in waiting {
            let next = match fits(&held) {
                Ok(()) => after.reported(&held.clone().into(), &Fact::from(&held)),
                Err(why) => unfit(held, &why, None),
            };
            for event in after.with_refunds(next, None)? {
                after.take(&event);
                events.push(event);
            }
        }
        Ok(events)
    }

    pub(super) fn record_payment(&self, command: &RecordPayment) -> Decision {
        let mut events = self.taken_in(command)?;
        if self.erased.is_some() && !events.is_empty() && command.stripe_event_id.is_some() {
            // What the provider's event says about a person goes like everything before it.
            events.push(self.after(&events).erasure());
        }
        Ok(events)
    }

    fn taken_in(&self, command: &RecordPayment) -> Decision {
        let money = Money::new(command.amount, command.currency);
        if !money.is_payable() {
            return Err(DesignError::InvalidAmount);
        }
        let fact = Fact {
            fact: command.fact,
            at: command.at.trunc_subsecs(0),
            event: command.stripe_event_id.clone(),
            money,
        };
        let is_success = fact.fact == PaymentFact::Succeeded;
        let is_aside = is_success && self.stands_aside(&held(command, &fact));
        if is_aside || self.payment.has(&command.intent_id, &fact) {
            return nothing();
        }
        match self.quote {
            // All of it is given back, however much it is.
            _ if self.status() == DesignStatus::Cancelled => {}
            Some(quote) => match agree(quote, money) {
                // The provider has the money. Whoever says so without it is told that it cannot be.
                Err(why) if is_success && fact.event.is_some() => {
                    return self.stand_aside(command, &fact, Some(why));
                }
                agreed => agreed?,
            },
            // Any amount would pay for it.
            None if is_success && self.has_product() => {
                return self.stand_aside(command, &fact, None);
            }
            None => {}
        }
        let room = if fact.fact.finality() > 0 { FACTS_MAX + FINAL_FACTS } else { FACTS_MAX };
        if self.payment.all().count() >= room {
            return Err(DesignError::TooManyFacts { max: room });
        }
        let said = self.said(command.provenance.as_ref()).and_then(Personal::into_known);
        self.with_refunds(self.reported(command, &fact), said.as_ref())
    }

    /// Whether `held` is known: another that the same event of the provider told, or, of what names no
    /// event, the same money of the same payment.
    fn stands_aside(&self, held: &HeldPayment) -> bool {
        let event = &held.stripe_event_id;
        self.set_aside().any(|known| match event {
            Some(_) => known.stripe_event_id == *event,
            None => known.is_same_money(held),
        })
    }

    /// Money that came, and pays for nothing: nobody has said what the request costs, or `why` it is not
    /// that. It stays known, so that it is given back when the request is called off.
    fn stand_aside(
        &self,
        command: &RecordPayment,
        fact: &Fact,
        why: Option<DesignError>,
    ) -> Decision {
        let held = held(command, fact);
        if self.set_aside().filter(|known| !held.names(known)).count() >= FINAL_FACTS {
            return Err(DesignError::TooManyFacts { max: FINAL_FACTS });
        }
        let provenance = self.said(command.provenance.as_ref());
        match why {
            Some(why) => one(unfit(held, &why, provenance)),
            None => one(PaymentHeld { held, provenance }),
        }
    }

    /// The event that tells `fact`, with what all facts amount to.
    fn reported(&self, command: &RecordPayment, fact: &Fact) -> DesignEvent {
        let after = self.payment.clone().with(&command.intent_id, fact.clone());
        let this = (&command.intent_id, fact);
        let counts = after.standing().unwrap_or(this);
        let report = PaymentReport {
            intent_id: command.intent_id.clone(),
            amount: fact.money.amount,
            currency: fact.money.currency,
            at: fact.at,
            stripe_event_id: command.stripe_event_id.clone(),
            method: command.method.clone(),
            superseded: counts != this,
            payment: after.summed_up(counts),
            provenance: self.said(command.provenance.as_ref()),
        };
        let (code, reason) =
            (command.failure_code.clone(), self.personal(command.failure_reason.clone()));
        match fact.fact {
            PaymentFact::Created => PaymentIntentCreated { report, processing: false }.into(),
            PaymentFact::Processing => PaymentIntentCreated { report, processing: true }.into(),
            PaymentFact::Failed => {
                PaymentFailed { report, failure_code: code, failure_reason: reason }.into()
            }
            PaymentFact::Cancelled => PaymentCancelled { report, reason }.into(),
            PaymentFact::Succeeded => {
                let mut succeeded = PaymentSucceeded { report, status: self.status() };
                succeeded.status = self.status_after(succeeded.clone());
                succeeded.into()
            }
        }
    }

    pub(super) fn record_fees(&self, command: &RecordFees) -> Decision {
        let RecordFees { intent_id, fee, net, currency, provenance } = command.clone();
        if !(0..=AMOUNT_MAX).contains(&fee) || !(-AMOUNT_MAX..=AMOUNT_MAX).contains(&net) {
            return Err(DesignError::InvalidAmount);
        }
        if !self.payment.knows(&intent_id) {
            return Err(DesignError::PaymentNotFound);
        }
        let provenance = self.personal(provenance);
        let fees = Fees { fee: Money::new(fee, currency), net: Money::new(net, currency) };
        match self.fees.get(&intent_id) {
            None => one(PaymentFeesRecorded { intent_id, fee, net, currency, provenance }),
            Some(known) if *known == fees => nothing(),
            Some(_) => Err(DesignError::FeesDiffer),
        }
    }
}

impl From<&HeldPayment> for Fact {
    fn from(held: &HeldPayment) -> Self {
        let (at, event) = (held.at, held.stripe_event_id.clone());
        Self { fact: PaymentFact::Succeeded, at, event, money: held.money() }
    }
}

impl From<HeldPayment> for RecordPayment {
    fn from(held: HeldPayment) -> Self {
        let HeldPayment { intent_id, amount, currency, at, stripe_event_id, method } = held;
        let fact = PaymentFact::Succeeded;
        let (failure_code, failure_reason, provenance) = (None, None, None);
        Self {
            intent_id,
            fact,
            amount,
            currency,
            at,
            stripe_event_id,
            method,
            failure_code,
            failure_reason,
            provenance,
        }
    }
}

fn held(command: &RecordPayment, fact: &Fact) -> HeldPayment {
    HeldPayment {
        intent_id: command.intent_id.clone(),
        amount: fact.money.amount,
        currency: fact.money.currency,
        at: fact.at,
        stripe_event_id: fact.event.clone(),
        method: command.method.clone(),
    }
}

fn unfit(
    held: HeldPayment,
    why: &DesignError,
    provenance: Option<Personal<Provenance>>,
) -> DesignEvent {
    let (code, detail) = (Text::forced(why.code()), Reason::forced(&why.to_string()));
    PaymentUnfit { held, code, detail, provenance }.into()
}

/// Whether `found` is the money that was `expected`.
fn agree(expected: Money, found: Money) -> Result<(), DesignError> {
    if expected.currency != found.currency {
        let (expected, found) = (expected.currency, found.currency);
        return Err(DesignError::CurrencyMismatch { expected, found });
    }
    if expected.amount != found.amount {
        return Err(DesignError::AmountMismatch { expected, found });
    }
    Ok(())
}
