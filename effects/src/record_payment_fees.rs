//! Whenever a payment has succeeded, what Stripe keeps of it is recorded, once Stripe knows.
//! Not here: how Stripe is asked.

use std::time::Duration;

use domain::{
    design::{Design, DesignEvent, PaymentSucceeded, RecordFees},
    stripe_event::from_stripe,
};
use kit::{CommandId, Effect, Order, Outcome, Recorded, Start};
use stripe::{Balance, Client, Error};

/// How long a payment waits of which Stripe does not know yet what it comes to: some take days.
const LATER: Duration = Duration::from_secs(60);
/// What Stripe's ids of payments begin with. A payment that is recorded by hand has another.
const STRIPES: &str = "pi_";

/// Whenever a payment has succeeded, its fees are recorded. Asking changes nothing at Stripe, and the
/// same fees are recorded once, so an attempt may be repeated.
#[derive(Debug, Clone)]
pub struct RecordPaymentFees {
    stripe: Client,
    later: Duration,
}

impl RecordPaymentFees {
    /// Asks `stripe`.
    #[must_use]
    pub const fn new(stripe: Client) -> Self {
        Self { stripe, later: LATER }
    }

    /// The same with another wait for what Stripe does not know yet.
    #[must_use]
    pub const fn with_later(mut self, later: Duration) -> Self {
        self.later = later;
        self
    }
}

fn succeeded(event: &Recorded<DesignEvent>) -> Option<&PaymentSucceeded> {
    match &event.event {
        DesignEvent::PaymentSucceeded(succeeded)
            if succeeded.report.intent_id.as_str().starts_with(STRIPES) =>
        {
            Some(succeeded)
        }
        _ => None,
    }
}

/// What [`RecordPaymentFees`] is concerned with, without the means to ask: for whoever only looks at
/// what it would do. It halts if it is run.
#[derive(Debug, Clone, Copy)]
pub struct FeesDue;

impl Effect for FeesDue {
    const NAME: &'static str = "record-payment-fees";
    const DEPENDENCY: Option<&'static str> = Some("stripe");
    // No payment is passed over because the key came after it.
    const START: Start = Start::Beginning;
    type When = DesignEvent;

    fn concerns(&self, event: &Recorded<DesignEvent>) -> bool {
        succeeded(event).is_some()
    }

    async fn run(&self, _: &Recorded<DesignEvent>, _key: &CommandId) -> Outcome {
        Outcome::Halt { reason: "there is no key to ask Stripe with".to_owned() }
    }
}

impl Effect for RecordPaymentFees {
    const NAME: &'static str = FeesDue::NAME;
    const DEPENDENCY: Option<&'static str> = FeesDue::DEPENDENCY;
    const START: Start = FeesDue::START;
    type When = DesignEvent;

    fn concerns(&self, event: &Recorded<DesignEvent>) -> bool {
        FeesDue.concerns(event)
    }

    async fn run(&self, event: &Recorded<DesignEvent>, _key: &CommandId) -> Outcome {
        let Some(PaymentSucceeded { report, .. }) = succeeded(event) else {
            return Outcome::skip("no payment of Stripe's");
        };
        match self.stripe.balance(report.intent_id.as_str()).await {
            Ok(Some(balance)) => recorded(event, report.intent_id.clone(), &balance),
            Ok(None) => Outcome::Retry {
                after: self.later,
                reason: "Stripe does not know yet what the payment comes to".to_owned(),
            },
            // A key that Stripe does not take says nothing about the payment.
            Err(error @ (Error::Away { .. } | Error::Forbidden(_))) => {
                Outcome::Away { reason: error.to_string() }
            }
            Err(error) => Outcome::Park { reason: error.to_string() },
        }
    }
}

/// The order that records `balance`.
fn recorded(event: &Recorded<DesignEvent>, intent_id: kit::PartId, balance: &Balance) -> Outcome {
    let money = |amount| {
        let currency = balance.currency.parse().ok()?;
        from_stripe(amount, currency)
    };
    let (Some(fee), Some(net)) = (money(balance.fee), money(balance.net)) else {
        let reason =
            "what Stripe keeps is in a currency or an amount that cannot be told for certain";
        return Outcome::Park { reason: reason.to_owned() };
    };
    let (fee, net, currency) = (fee.amount, net.amount, fee.currency);
    let command = RecordFees { intent_id, fee, net, currency, provenance: None };
    match Order::to::<Design>(&event.aggregate_id, command) {
        Ok(order) => Outcome::Done(vec![order]),
        Err(error) => Outcome::Halt { reason: format!("a command has no JSON form: {error}") },
    }
}
