//! Why the inbox refuses a command.
//! Not here: why an event that is in it does not fit; see [`BadIntent`](super::BadIntent).

use super::StripeEventStage;

/// Why the inbox refuses a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StripeEventError {
    /// It is not here.
    #[error("no event of Stripe has come under this id")]
    NotFound,
    /// It is no event of Stripe.
    #[error("an event of Stripe is JSON with an id, a type, created and livemode")]
    NotAnEvent,
    /// It is another event than the one it is sent to.
    #[error("the event has another id than the one it is sent to")]
    AnotherEvent,
    /// The command does not fit where the event stands.
    #[error("not while the event is {0:?}")]
    NotWhile(StripeEventStage),
}

impl kit::DomainError for StripeEventError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::NotAnEvent => "not-an-event",
            Self::AnotherEvent => "another-event",
            Self::NotWhile(_) => "not-while",
        }
    }
}
