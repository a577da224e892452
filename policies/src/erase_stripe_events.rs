//! What Stripe reported about a request goes when the request's personal data go.
//! Not here: keys; whoever keeps the log destroys them.

use domain::{
    design::DesignEvent,
    stripe_event::{EraseStripeEvent, StripeEvent},
};
use kit::{Order, Policy, Reaction, Recorded, Start};

/// Whenever the personal data of a request are erased, so are those of the events of Stripe that told
/// of it.
#[derive(Debug, Clone, Copy)]
pub struct EraseStripeEvents;

impl Policy for EraseStripeEvents {
    const NAME: &'static str = "erase-stripe-events";
    // No erasure is passed over.
    const START: Start = Start::Beginning;
    type When = DesignEvent;

    fn react(&self, event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Reaction>> {
        let DesignEvent::PersonalDataErased(erased) = &event.event else { return Ok(Vec::new()) };
        let order = |id| Ok(Order::to::<StripeEvent>(id, EraseStripeEvent {})?.into());
        erased.stripe_events.iter().map(order).collect()
    }
}
