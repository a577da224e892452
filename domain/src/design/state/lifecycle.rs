//! The way of a request from draft to completed.
//! Not here: who may ask for which step.

use kit::Machine;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::design::DesignEvent;

/// Where a request stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(DesignStatus),
    derive(Hash, PartialOrd, Ord, Serialize, Deserialize, VariantArray, IntoStaticStr),
    serde(rename_all = "SCREAMING_SNAKE_CASE"),
    strum(serialize_all = "SCREAMING_SNAKE_CASE"),
    doc = "Where a request stands, by the name that everybody outside reads."
)]
pub enum Lifecycle {
    /// There is no request yet.
    #[default]
    Unknown,
    /// Being filled in.
    Draft {
        /// Whether it is paid already.
        paid: bool,
    },
    /// Handed in, not paid yet.
    Submitted,
    /// Handed in and paid.
    Paid,
    /// Worked on.
    InDesign,
    /// Done.
    Completed,
    /// Called off.
    Cancelled,
}

impl Machine for Lifecycle {
    type Event = DesignEvent;
    type Stage = DesignStatus;

    #[rustfmt::skip] // A table: one arrow per line. It looks at kinds, never at values.
    fn after(self, event: &DesignEvent) -> Result<Self, Self> {
        use DesignEvent as E;
        Ok(match (self, event) {
            (Self::Unknown,                E::RequestCreated(_))   => Self::Draft { paid: false },
            (Self::Draft { paid: false },  E::PaymentSucceeded(_)) => Self::Draft { paid: true },
            (Self::Draft { paid: false },  E::RequestSubmitted(_)) => Self::Submitted,
            (Self::Draft { paid: true },   E::RequestSubmitted(_)) => Self::Paid,
            (Self::Submitted,              E::PaymentSucceeded(_)) => Self::Paid,
            (Self::Paid,                   E::DesignStarted(_))    => Self::InDesign,
            (Self::InDesign,               E::DesignCompleted(_))  => Self::Completed,
            (Self::Draft { .. } | Self::Submitted | Self::Paid, E::RequestCancelled(_)) => Self::Cancelled,
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> DesignStatus {
        self.into()
    }
}
