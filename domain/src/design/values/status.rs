//! Where a payment stands and what is reported about one, by the names that everybody outside reads.
//! Not here: how it gets there.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Where the payment of a request stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Nothing is known of one.
    None,
    /// Called off before it succeeded.
    Cancelled,
    /// The last attempt did not succeed; another may.
    Failed,
    /// Begun.
    Pending,
    /// On its way.
    Processing,
    /// There.
    Succeeded,
}

/// What a provider can report about one payment. The later one outranks the earlier one if both come
/// from the same second.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PaymentFact {
    /// The intent was made.
    Created,
    /// An attempt is on its way.
    Processing,
    /// An attempt failed.
    Failed,
    /// The intent was called off.
    Cancelled,
    /// The money is there.
    Succeeded,
}

impl PaymentFact {
    /// How final it is: once there, whatever else comes of the same intent changes nothing.
    pub(in crate::design) const fn finality(self) -> u8 {
        match self {
            Self::Created | Self::Processing | Self::Failed => 0,
            Self::Cancelled => 1,
            Self::Succeeded => 2,
        }
    }

    /// Where a payment stands of which this is the last word.
    pub(in crate::design) const fn status(self) -> PaymentStatus {
        match self {
            Self::Created => PaymentStatus::Pending,
            Self::Processing => PaymentStatus::Processing,
            Self::Failed => PaymentStatus::Failed,
            Self::Cancelled => PaymentStatus::Cancelled,
            Self::Succeeded => PaymentStatus::Succeeded,
        }
    }
}

/// Why money is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RefundReason {
    /// The request was cancelled.
    Cancelled,
    /// It had been paid already.
    PaidTwice,
}
