//! What the event types of the original functions ask for: each is one command, made of what the caller gives.
//! Not here: payments, whose callers may leave things out; and sending it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::design::Design;
use kit::CommandId;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use strum::{EnumString, VariantNames};
use uuid::Uuid;

use super::{given::Given, payment, refusal::Refusal};

/// The event types of the original functions, and the fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(strum::VariantArray))]
pub(in crate::design) enum EventType {
    RequestCreated,
    RequestSubmitted,
    RequestCancelled,
    PaymentIntentCreated,
    PaymentSucceeded,
    PaymentFailed,
    PaymentCancelled,
    PaymentFeesRecorded,
    DesignStarted,
    DesignCompleted,
}

/// A command without its aggregate.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) body: Body,
    pub(super) command_id: CommandId,
    /// The payment that it is about.
    pub(super) intent: Option<String>,
    /// Whether the very same was reported before, so that nothing is to be sent.
    pub(super) known: bool,
}

/// What the caller says about where an event comes from, as it was written.
#[derive(Debug, Default, Serialize)]
pub(super) struct Provenance<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_by: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
}

impl Provenance<'_> {
    const fn is_empty(&self) -> bool {
        self.created_by.is_none() && self.metadata.is_none() && self.data.is_none()
    }
}

impl EventType {
    /// The command's name.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::RequestCreated => "create-request",
            Self::RequestSubmitted => "submit-request",
            Self::RequestCancelled => "cancel-request",
            Self::PaymentIntentCreated
            | Self::PaymentSucceeded
            | Self::PaymentFailed
            | Self::PaymentCancelled => "record-payment",
            Self::PaymentFeesRecorded => "record-fees",
            Self::DesignStarted => "start-design",
            Self::DesignCompleted => "complete-design",
        }
    }

    /// The type of the event that follows from it.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::RequestCreated => "request-created",
            Self::RequestSubmitted => "request-submitted",
            Self::RequestCancelled => "request-cancelled",
            Self::PaymentIntentCreated => "payment-intent-created",
            Self::PaymentSucceeded => "payment-succeeded",
            Self::PaymentFailed => "payment-failed",
            Self::PaymentCancelled => "payment-cancelled",
            Self::PaymentFeesRecorded => "payment-fees-recorded",
            Self::DesignStarted => "design-started",
            Self::DesignCompleted => "design-completed",
        }
    }

    /// Whether it is about a payment: then what the caller leaves out is looked up in the request.
    pub(super) const fn is_payment(self) -> bool {
        matches!(
            self,
            Self::PaymentIntentCreated
                | Self::PaymentSucceeded
                | Self::PaymentFailed
                | Self::PaymentCancelled
                | Self::PaymentFeesRecorded
        )
    }

    /// The command that `data` asks for. `design` is looked at for payments alone.
    pub(super) fn call(
        self,
        (request, data): (&str, &Given),
        provenance: &Provenance<'_>,
        design: &Design,
        now: DateTime<Utc>,
    ) -> Result<Call, Refusal> {
        let mut body = Body::default();
        if !provenance.is_empty() {
            body.set("provenance", provenance)?;
        }
        let fields: &[&'static str] = match self {
            Self::RequestCreated => &["product_id", "design_code", "email"],
            Self::RequestSubmitted => &["email"],
            Self::RequestCancelled => &["reason"],
            _ => &[],
        };
        for field in fields {
            body.keep(field, data.raw(&[field]));
        }
        let mut call = Call {
            name: self.command(),
            body,
            command_id: Uuid::now_v7().into(),
            intent: None,
            known: false,
        };
        if self.is_payment() {
            payment::fill(&mut call, self, (request, data), (design, now))?;
        }
        Ok(call)
    }
}

/// The body of a command: values of ours, and values that stay as they were written.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Body(BTreeMap<&'static str, Box<RawValue>>);

impl Body {
    pub(super) fn set<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        let raw = to_raw_value(value).map_err(|error| Refusal::body(error.to_string()))?;
        self.0.insert(name, raw);
        Ok(())
    }

    pub(super) fn keep(&mut self, name: &'static str, value: Option<&RawValue>) {
        if let Some(value) = value {
            self.0.insert(name, value.to_owned());
        }
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(self).map_err(|error| Refusal::body(error.to_string()))
    }
}
