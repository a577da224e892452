//! What Stripe reported about a request goes with the request.

use domain::{
    design::{DesignEvent, PersonalDataErased},
    stripe_event::{EraseStripeEvent, StripeEvent},
};
use kit::scenario::id;
use policies::EraseStripeEvents;

use crate::sentence::{happened, order, whenever};

#[test]
fn each_event_that_is_named_is_erased() {
    let erased = PersonalDataErased { stripe_events: vec![id("evt_1"), id("evt_2")] };
    let orders = ["evt_1", "evt_2"].map(|id| order::<StripeEvent>(id, EraseStripeEvent {}));
    whenever(&EraseStripeEvents, &happened::<DesignEvent, _>(erased), orders);
}

#[test]
fn nothing_else_leads_to_it() {
    for event in domain::design::examples::events() {
        if !matches!(event, DesignEvent::PersonalDataErased(_)) {
            whenever(&EraseStripeEvents, &happened::<DesignEvent, _>(event), []);
        }
    }
}
