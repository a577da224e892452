//! What has happened to the request, its answers and the work on it.
//! Not here: its payment.

use kit::{AggregateId, PartId, Personal};
use uuid::Uuid;

use crate::{
    design::{Answer, DesignStatus, Provenance},
    money::Currency,
    values::{EmailAddress, Label, Reason},
};

payloads! {
    /// There is a request, still being filled in.
    RequestCreated {
        /// The product.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product_id: Option<AggregateId>,
        /// The design, in the words of whoever offers it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        design_code: Option<Label>,
        /// Who asks, if that was known already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Personal<EmailAddress>>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// A question has an answer, or another one; this is the current one from now on.
    AnswerVersioned {
        /// The answer's own id.
        answer_id: Uuid,
        /// The question.
        question_id: PartId,
        /// How many answers the question has had with this one.
        version: u32,
        /// What is answered.
        #[serde(flatten)]
        answer: Answer,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// It is handed in.
    RequestSubmitted {
        /// Who asks.
        email: Personal<EmailAddress>,
        /// Where the request stands with it: `PAID` if the payment was there first.
        status: DesignStatus,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// It is called off.
    RequestCancelled {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<Reason>>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// It has a price, against which payments are checked from now on.
    RequestQuoted {
        /// How many minor units.
        amount: i64,
        /// Of which currency.
        currency: Currency,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// Somebody works on it.
    DesignStarted {
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// The work is done.
    DesignCompleted {
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Personal<Provenance>>,
    }
    /// What was personal in everything before is erased: the key under which it was sealed is destroyed
    /// because of this, and readers blank what they hold. What is told of payments goes on.
    PersonalDataErased {
        /// The provider's events that told of this request, as far as no erasure before named them:
        /// what is personal in them goes, too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stripe_events: Vec<AggregateId>,
    }
}
