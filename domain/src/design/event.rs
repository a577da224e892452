//! What has happened to a design request. Names and fields are the wire: add a version, never edit
//! one. Not here: old shapes; there are none yet.
//!
//! Events carry what follows from them for readers (`status`, `payment`, `superseded`), so that no
//! reader repeats the rules. The state does not read it: it follows from the facts alone.
//!
//! Personal is who asks, what they answer, and what people say about where something comes from or why;
//! what was agreed on, what it costs and what became of it is not.

mod payment;
mod request;

pub use payment::*;
pub use request::*;

kit::events! {
    /// What has happened to a design request.
    pub enum DesignEvent for "design" {
        "request-created" => RequestCreated: 1,
        "answer-versioned" => AnswerVersioned: 1,
        "request-submitted" => RequestSubmitted: 1,
        "request-cancelled" => RequestCancelled: 1,
        "request-quoted" => RequestQuoted: 1,
        "payment-intent-created" => PaymentIntentCreated: 1,
        "payment-succeeded" => PaymentSucceeded: 1,
        "payment-failed" => PaymentFailed: 1,
        "payment-cancelled" => PaymentCancelled: 1,
        "payment-held" => PaymentHeld: 1,
        "payment-unfit" => PaymentUnfit: 1,
        "payment-fees-recorded" => PaymentFeesRecorded: 1,
        "refund-requested" => RefundRequested: 1,
        "design-started" => DesignStarted: 1,
        "design-completed" => DesignCompleted: 1,
        "personal-data-erased" => PersonalDataErased: 1 [erases],
    }
}
