//! What Stripe reports about a payment is recorded with the request that it pays for.
//! Not here: signatures, and what the reports amount to; the request finds out.

use domain::{
    design::{Design, PaymentFact, Provenance, RecordPayment},
    stripe_event::{
        PaymentIntent, SetAside, StripeEvent, StripeEventEvent, StripeEventReceived, fact_of,
    },
    values::{Reason, Text},
};
use kit::{Aggregate, AggregateId, Order, Policy, Reaction, Recorded, Refused, Start};

/// Who caused what Stripe reports, in the words that readers of requests look for.
const AUTHOR: &str = "stripe_webhook";

/// Whenever an event of Stripe is received that concerns a payment, it is recorded with its request;
/// what does not fit there is set aside in the inbox, with the reason.
#[derive(Debug, Clone, Copy)]
pub struct RecordStripePayments;

impl Policy for RecordStripePayments {
    const NAME: &'static str = "record-stripe-payments";
    // No payment is passed over because the policy came after it.
    const START: Start = Start::Beginning;
    type When = StripeEventEvent;

    fn react(&self, event: &Recorded<StripeEventEvent>) -> serde_json::Result<Vec<Reaction>> {
        let StripeEventEvent::StripeEventReceived(received) = &event.event else {
            return Ok(Vec::new());
        };
        let Some(fact) = fact_of(received.kind.as_str()) else {
            // Received by newer code, which knows more types.
            return Ok(vec![
                set_aside(&event.aggregate_id, "unknown-type", received.kind.as_str())?.into(),
            ]);
        };
        let Some(payload) = received.payload.known() else {
            // What it said is erased, once it was recorded.
            return Ok(Vec::new());
        };
        let order = match PaymentIntent::read(payload, fact) {
            Ok(intent) => {
                let request = intent.request_id.clone();
                Order::to::<Design>(&request, record(&event.aggregate_id, received, fact, intent))?
            }
            Err(bad) => set_aside(&event.aggregate_id, bad.code(), &bad.to_string())?,
        };
        Ok(vec![order.into()])
    }

    fn on_refused(
        &self,
        event: &Recorded<StripeEventEvent>,
        refused: &Refused,
    ) -> serde_json::Result<Vec<Order>> {
        if refused.order.aggregate != Design::TYPE {
            return Ok(Vec::new());
        }
        Ok(vec![set_aside(&event.aggregate_id, &refused.code, &refused.detail)?])
    }
}

/// What the event with the id `id` says about its payment.
fn record(
    id: &AggregateId,
    received: &StripeEventReceived,
    fact: PaymentFact,
    intent: PaymentIntent,
) -> RecordPayment {
    RecordPayment {
        intent_id: intent.id,
        fact,
        amount: intent.money.amount,
        currency: intent.money.currency,
        // Not when the payment was made: when this became of it.
        at: received.created,
        stripe_event_id: Some(id.clone()),
        method: intent.method,
        failure_code: intent.failure_code,
        failure_reason: intent.failure_reason,
        provenance: Some(Provenance::by(Text::forced(AUTHOR))),
    }
}

fn set_aside(id: &AggregateId, code: &str, detail: &str) -> serde_json::Result<Order> {
    let (code, detail) = (Text::forced(code), Reason::forced(detail));
    Order::to::<StripeEvent>(id, SetAside { code, detail })
}
