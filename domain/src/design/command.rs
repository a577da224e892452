//! What may be asked about a design request. Names and fields are the wire.
//! Not here: whether it may be done.

use chrono::{DateTime, Utc};
use kit::{AggregateId, PartId};

use super::{AnswerOptions, AnswerText, PaymentFact, Provenance};
use crate::{
    money::Currency,
    values::{EmailAddress, Label, Reason, WebAddress},
};

kit::commands! {
    /// What may be asked about a design request.
    pub enum DesignCommand {
        "create-request" => CreateRequest,
        "answer-question" => AnswerQuestion,
        "submit-request" => SubmitRequest,
        "cancel-request" => CancelRequest,
        "quote" => Quote,
        "record-payment" => RecordPayment,
        "record-fees" => RecordFees,
        "start-design" => StartDesign,
        "complete-design" => CompleteDesign,
        "erase-personal-data" => ErasePersonalData,
    }
}

bodies! {
    /// Open a request under this id.
    CreateRequest {
        /// The product.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product_id: Option<AggregateId>,
        /// The design, in the words of whoever offers it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        design_code: Option<Label>,
        /// Who asks, if that is known already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<EmailAddress>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Answer a question, for the first time or anew.
    AnswerQuestion {
        /// The question.
        question_id: PartId,
        /// In words; blank to cross an answer out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<AnswerText>,
        /// Where the file is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_url: Option<WebAddress>,
        /// The chosen options.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<AnswerOptions>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Hand the request in.
    SubmitRequest {
        /// Who asks, and hears of the outcome.
        email: EmailAddress,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Call the request off. A payment that stands is to be given back.
    CancelRequest {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Say what the request costs: payments are checked against it. The first quote stands.
    Quote {
        /// How many minor units.
        amount: i64,
        /// Of which currency.
        currency: Currency,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Take in what a payment provider reports. In any order, and as often as it comes.
    RecordPayment {
        /// Which payment.
        intent_id: PartId,
        /// What became of it.
        fact: PaymentFact,
        /// How many minor units.
        amount: i64,
        /// Of which currency.
        currency: Currency,
        /// When it was so, by the provider's clock; whole seconds count.
        at: DateTime<Utc>,
        /// Which of the provider's events says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stripe_event_id: Option<AggregateId>,
        /// How it is paid, such as `card`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<Label>,
        /// Why an attempt failed, for programs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_code: Option<Label>,
        /// Why an attempt failed or the payment was called off, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure_reason: Option<Reason>,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Take in what the provider keeps of a payment.
    RecordFees {
        /// Which payment.
        intent_id: PartId,
        /// What the provider keeps, in minor units.
        fee: i64,
        /// What is left, in minor units.
        net: i64,
        /// Of which currency: the one that is paid out, which may be another than was paid in.
        currency: Currency,
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Begin the work.
    StartDesign {
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// The work is done.
    CompleteDesign {
        /// Where it comes from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<Provenance>,
    }
    /// Erase what is personal in everything said so far. It does not come back.
    ErasePersonalData {}
}
