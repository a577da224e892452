//! The inbox of Stripe's events: each one under its own id, as it came, once and for ever.
//!
//! Whoever puts one here has verified its signature. Stripe repeats an event for three days and in any
//! order; the id of the aggregate is the event's, so a repeat finds it here. What became of each can be
//! read: it was received and concerns us, it was ignored, or it did not fit and was set aside.
//! Not here: signatures, and what a payment means for a request.

mod aggregate;
mod command;
mod current;
mod decide;
mod error;
mod event;
pub mod examples;
mod known;
mod payment_intent;
mod state;
mod units;

pub use command::{EraseStripeEvent, Payload, Receive, SetAside, StripeEventCommand};
pub use current::CurrentIntent;
pub use error::StripeEventError;
pub use event::{
    StripeEventErased, StripeEventEvent, StripeEventIgnored, StripeEventReceived,
    StripeEventSetAside,
};
pub use known::{fact_of, known_types};
pub use payment_intent::{BadIntent, Glimpse, PaymentIntent};
pub use state::{StripeEvent, StripeEventStage};
pub use units::{from_stripe, to_stripe};
