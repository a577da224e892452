//! What Stripe reports about a payment is recorded with the request that it pays for.
//! Not here: signatures, and what the reports amount to; the request finds out.

use domain::{
    design::{Design, Provenance},
    stripe_event::{PaymentIntent, SetAside, StripeEvent, StripeEventEvent, fact_of},
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
                let (request, id) = (intent.request_id.clone(), event.aggregate_id.clone());
                // Not when the payment was made: when this became of it.
                let at = received.created;
                let provenance = Provenance::by(Text::forced(AUTHOR));
                Order::to::<Design>(&request, intent.report(fact, at, Some(id), provenance))?
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

fn set_aside(id: &AggregateId, code: &str, detail: &str) -> serde_json::Result<Order> {
    let (code, detail) = (Text::forced(code), Reason::forced(detail));
    Order::to::<StripeEvent>(id, SetAside { code, detail })
}
