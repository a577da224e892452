//! The parts of Stripe's objects that are looked at. Fields that are not named here are passed over,
//! and an enum takes values that are newer than this code.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// Where a payment intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// The customer has not said how to pay, or the last try failed.
    RequiresPaymentMethod,
    /// It only has to be confirmed.
    RequiresConfirmation,
    /// The customer has to do something, such as to pass 3-D Secure.
    RequiresAction,
    /// Stripe waits for the bank.
    Processing,
    /// Money is held, and has to be captured.
    RequiresCapture,
    /// It will never be paid.
    Canceled,
    /// It is paid.
    Succeeded,
    /// Something newer.
    #[serde(other)]
    Other,
}

/// What lets whoever has it pay an intent. Not to be logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The text, for the customer's browser.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// A payment that is to be made, is being made, or was made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`.
    pub id: String,
    /// In minor units.
    pub amount: i64,
    /// ISO 4217 in lower case.
    pub currency: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// When it was made, in whole seconds.
    pub created: i64,
    /// Whether money moves.
    pub livemode: bool,
    /// For the customer's browser.
    pub client_secret: Option<ClientSecret>,
    /// What whoever made it wrote on it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What a payment came to, once Stripe has taken its part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// Stripe's part, in minor units.
    pub fee: i64,
    /// What is left, in minor units.
    pub net: i64,
    /// The currency of both: that of the account, which need not be the payment's.
    pub currency: String,
}

/// A payment intent whose last charge came with what it came to.
#[derive(Debug, Deserialize)]
pub(crate) struct Charged {
    pub(crate) latest_charge: Option<Charge>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Charge {
    pub(crate) balance_transaction: Option<Balance>,
}
