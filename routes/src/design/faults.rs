//! Problems that only these routes have, with their stable codes.

use infrastructure::problem::Problem;
use stripe::{Error, signature::SignatureError};

fn problem(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Problem {
    Problem { title: title.to_owned(), status, code: code.to_owned(), detail: detail.into() }
}

/// Nobody said how to reach Stripe, or how it signs.
pub(super) fn off(what: &str) -> Problem {
    problem(503, "stripe-not-configured", "Payments are not configured", what)
}

/// A webhook that is not Stripe's, or not from now.
pub(super) fn forged(error: SignatureError) -> Problem {
    problem(400, error.code(), "The webhook's signature is refused", error.to_string())
}

/// Signed by Stripe, and no event that can be kept.
pub(super) fn no_event(why: impl Into<String>) -> Problem {
    problem(400, "malformed-event", "The webhook holds no event", why)
}

/// An event about money where everything is for trying, or the other way round.
pub(super) fn wrong_mode(livemode: bool) -> Problem {
    let (theirs, ours) = if livemode { ("live", "a test") } else { ("test", "a live") };
    let detail = format!("it is a {theirs} event, and the service has {ours} key");
    problem(400, "wrong-mode", "The event is from another mode of Stripe's", detail)
}

/// What became of asking Stripe.
pub(super) fn at_stripe(error: &Error) -> Problem {
    match error {
        Error::Away { .. } | Error::Stuck(_) => {
            problem(503, "stripe-away", "Stripe does not answer now", error.to_string())
        }
        Error::Forbidden(_) | Error::Missing(_) | Error::Refused(_) | Error::Unreadable(_) => {
            problem(502, "stripe-refused", "Stripe does not do what was asked", error.to_string())
        }
    }
}
