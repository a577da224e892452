//! By which intent of Stripe's a request is paid.
//! Not here: recording it.

use stripe::{Error, IntentRequest, IntentStatus, PaymentIntent};

/// Intents of one request that may have been cancelled without our knowing before this gives up.
const UNKNOWN_MAX: usize = 4;

/// The intent by which what is `wanted` can be paid: the one that is known, unless that is over, or
/// else a new one instead of it.
pub(super) async fn find(
    stripe: &stripe::Client,
    wanted: IntentRequest<'_>,
) -> Result<PaymentIntent, Error> {
    let is_over = |intent: &PaymentIntent| {
        let is_other = intent.amount != wanted.amount || intent.currency != wanted.currency;
        is_other || intent.status == IntentStatus::Canceled
    };
    if let Some(known) = wanted.instead_of {
        match stripe.intent(known).await {
            Ok(intent) if !is_over(&intent) => return Ok(intent),
            Ok(_) | Err(Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let mut instead_of = wanted.instead_of.map(str::to_owned);
    for _ in 0..UNKNOWN_MAX {
        let next = IntentRequest { instead_of: instead_of.as_deref(), ..wanted };
        let intent = stripe.create_intent(&next).await?;
        if !is_over(&intent) {
            return Ok(intent);
        }
        instead_of = Some(intent.id);
    }
    Err(Error::Refused("every intent for the request is cancelled".to_owned()))
}
