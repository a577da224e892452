//! What the context of design requests has over HTTP: payments with Stripe.
//! Not here: what a payment means for a request; the aggregate decides that.

mod faults;
mod inbox;
mod payments;

pub use inbox::{Inbox, RECONCILED_BY, receipt};
pub use payments::Payments;
