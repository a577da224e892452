//! What went wrong at Stripe, by what whoever asked does next.

use std::time::Duration;

/// Why Stripe did not do what was asked. None of it repeats what Stripe says in words: that may name
/// customers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not now: the same again later, with the same idempotency key.
    #[error("Stripe is away: {reason}")]
    Away {
        /// What was seen of it.
        reason: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// It keeps answering this idempotency key with the failure that it once had: another key.
    #[error("Stripe repeats an earlier failure: {0}")]
    Stuck(String),
    /// It does not let us: somebody has to look at the key, or at the account.
    #[error("Stripe refuses the key: {0}")]
    Forbidden(String),
    /// There is no such thing there.
    #[error("Stripe has no such thing: {0}")]
    Missing(String),
    /// It cannot be done as it was asked, however often it is asked.
    #[error("Stripe refuses the request: {0}")]
    Refused(String),
    /// It answered with something that is not in its API as we know it.
    #[error("Stripe's answer cannot be read: {0}")]
    Unreadable(String),
}

impl Error {
    pub(crate) fn away(reason: impl Into<String>) -> Self {
        Self::Away { reason: reason.into(), after: None }
    }
}
