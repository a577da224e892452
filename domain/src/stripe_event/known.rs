//! Which of Stripe's event types mean something here, and what. This is the only list of them.
//! Not here: what follows from it.

use crate::design::PaymentFact;

/// Type by type what it says about a payment. A type that is not here is recorded as ignored.
const KNOWN: &[(&str, PaymentFact)] = &[
    ("payment_intent.created", PaymentFact::Created),
    ("payment_intent.processing", PaymentFact::Processing),
    ("payment_intent.payment_failed", PaymentFact::Failed),
    ("payment_intent.canceled", PaymentFact::Cancelled),
    ("payment_intent.succeeded", PaymentFact::Succeeded),
];

/// What an event of Stripe's type `kind` says about a payment; nothing if it means nothing here.
#[must_use]
pub fn fact_of(kind: &str) -> Option<PaymentFact> {
    KNOWN.iter().find(|(known, _)| *known == kind).map(|(_, fact)| *fact)
}

/// The types that mean something here: what to ask Stripe for.
pub fn known_types() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(kind, _)| *kind)
}
