//! What can have happened to an event of the inbox. Names and fields are the wire: add a version, never
//! edit one. Not here: where an event leads.

use chrono::{DateTime, Utc};
use kit::Personal;

use super::Payload;
use crate::values::{Label, Reason, Text};

kit::events! {
    /// What can have happened to an event of the inbox.
    pub enum StripeEventEvent for "stripe-event" {
        "received" => StripeEventReceived: 1,
        "ignored" => StripeEventIgnored: 1,
        "set-aside" => StripeEventSetAside: 1,
        "personal-data-erased" => StripeEventErased: 1 [erases],
    }
}

payloads! {
    /// It is here, and concerns us.
    StripeEventReceived {
        /// Its type in Stripe's words, such as `payment_intent.succeeded`.
        #[serde(rename = "type")]
        kind: Label,
        /// When it happened, by Stripe's clock.
        created: DateTime<Utc>,
        /// Whether it is about real money.
        livemode: bool,
        /// In which version of Stripe's API it is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        api_version: Option<Label>,
        /// The whole of it, as it came.
        payload: Personal<Payload>,
    }
    /// It is here, and of a type that means nothing to us.
    StripeEventIgnored {
        /// Its type in Stripe's words.
        #[serde(rename = "type")]
        kind: Label,
        /// When it happened, by Stripe's clock.
        created: DateTime<Utc>,
        /// Whether it is about real money.
        livemode: bool,
        /// In which version of Stripe's API it is written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        api_version: Option<Label>,
        /// The whole of it, as it came.
        payload: Personal<Payload>,
    }
    /// It did not fit.
    StripeEventSetAside {
        /// Why, for programs.
        code: Text<100>,
        /// Why, for people.
        detail: Reason,
    }
    /// What it said is erased; that it came stays known.
    StripeEventErased {}
}
