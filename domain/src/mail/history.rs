//! Shapes that are no longer written and can always be read.
//! Not here: the current shapes; each old one only knows the way to its successor.

use serde::{Deserialize, Serialize};

use super::{FailureReason, Letter, MailFailed, MailRequested};

kit::past! { MailFailedV1: 1, MailRequestedV1: 1 }

/// The first shape knew only letters to a contact of a person; those read as they did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailRequestedV1 {
    /// The letter.
    pub letter: Letter,
}

impl From<MailRequestedV1> for MailRequested {
    fn from(old: MailRequestedV1) -> Self {
        Self { letter: old.letter }
    }
}

/// The first shape knew no mail of which nobody knows whether it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFailedV1 {
    /// Why.
    pub reason: FailureReasonV1,
}

/// Why a mail did not arrive, in the first shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReasonV1 {
    /// Nobody receives mail at the address.
    AddressRejected,
    /// The contact was gone when its turn came.
    ContactGone,
    /// What it speaks of had expired when its turn came.
    Expired,
    /// The provider would not take it.
    ProviderRefused,
}

impl From<MailFailedV1> for MailFailed {
    fn from(old: MailFailedV1) -> Self {
        let reason = match old.reason {
            FailureReasonV1::AddressRejected => FailureReason::AddressRejected,
            FailureReasonV1::ContactGone => FailureReason::ContactGone,
            FailureReasonV1::Expired => FailureReason::Expired,
            FailureReasonV1::ProviderRefused => FailureReason::ProviderRefused,
        };
        Self { reason }
    }
}
