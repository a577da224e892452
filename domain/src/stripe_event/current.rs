//! A payment as Stripe tells it when it is asked, for what no event has told.
//! Not here: asking.

use chrono::{DateTime, Utc};
use kit::{AggregateId, json};
use serde::{Deserialize, de::IgnoredAny};

use super::{BadIntent, PaymentIntent, payment_intent::Object};
use crate::{
    design::{PaymentFact, Provenance, RecordPayment},
    values::Text,
};

/// Where a payment stands at Stripe, as far as an event could have told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentIntent {
    /// The last thing that became of it.
    pub fact: PaymentFact,
    /// When, by Stripe's clock, or when it was asked where Stripe does not say.
    pub at: DateTime<Utc>,
    /// The payment.
    pub intent: PaymentIntent,
}

#[derive(Deserialize)]
struct Standing {
    status: String,
    created: i64,
    #[serde(default)]
    canceled_at: Option<i64>,
    #[serde(default)]
    latest_charge: Option<Charge>,
    #[serde(default)]
    last_payment_error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Charge {
    Whole { created: i64 },
    Other(IgnoredAny),
}

impl CurrentIntent {
    /// Reads `object`, the payment with its latest charge as Stripe answered at `now`. It is for
    /// `request`, if it does not say for which.
    ///
    /// # Errors
    /// [`BadIntent`], by what is wrong with it.
    pub fn read(
        object: &[u8],
        request: &AggregateId,
        now: DateTime<Utc>,
    ) -> Result<Self, BadIntent> {
        let standing: Standing = json::read(object).map_err(|_| BadIntent::Unreadable)?;
        let (fact, at) = standing.last();
        let at = match at {
            Some(second) => DateTime::from_timestamp(second, 0).ok_or(BadIntent::Unreadable)?,
            None => now,
        };
        let intent = PaymentIntent::of(Object::read(object)?, fact, Some(request))?;
        Ok(Self { fact, at, intent })
    }

    /// The command that records it with its request, as told by `by`.
    #[must_use]
    pub fn report(self, by: &str) -> RecordPayment {
        let Self { fact, at, intent } = self;
        intent.report(fact, at, None, Provenance::by(Text::forced(by)))
    }
}

impl Standing {
    /// What has become of the payment last, and when if that is known.
    fn last(&self) -> (PaymentFact, Option<i64>) {
        let charged = match &self.latest_charge {
            Some(Charge::Whole { created }) => Some(*created),
            Some(Charge::Other(_)) | None => None,
        };
        match self.status.as_str() {
            "succeeded" => (PaymentFact::Succeeded, charged),
            "canceled" => (PaymentFact::Cancelled, self.canceled_at),
            "processing" => (PaymentFact::Processing, None),
            // A charge that takes days was made before it was on its way, and fails after that.
            "requires_payment_method" if self.last_payment_error.is_some() => {
                (PaymentFact::Failed, None)
            }
            _ => (PaymentFact::Created, Some(self.created)),
        }
    }
}
