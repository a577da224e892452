//! What Stripe reported before a request was quoted, and does not fit the quote, is set aside.
//! Not here: whether it fits; the request finds out.

use domain::{
    design::{DesignEvent, PaymentUnfit},
    stripe_event::{SetAside, StripeEvent},
};
use kit::{Order, Policy, Reaction, Recorded};

/// Whenever a payment that waited for a quote turns out to be another amount, the event of Stripe that
/// reported it is set aside in the inbox, with the reason.
#[derive(Debug, Clone, Copy)]
pub struct SetAsideUnfitPayments;

impl Policy for SetAsideUnfitPayments {
    const NAME: &'static str = "set-aside-unfit-payments";
    type When = DesignEvent;

    fn react(&self, event: &Recorded<DesignEvent>) -> serde_json::Result<Vec<Reaction>> {
        let DesignEvent::PaymentUnfit(PaymentUnfit { held, code, detail, .. }) = &event.event
        else {
            return Ok(Vec::new());
        };
        // Whoever reported it by hand has no event in the inbox.
        let Some(id) = &held.stripe_event_id else { return Ok(Vec::new()) };
        let set_aside = SetAside { code: code.clone(), detail: detail.clone() };
        Ok(vec![Order::to::<StripeEvent>(id, set_aside)?.into()])
    }
}
