//! What can have happened to a mail. Names and fields are the wire: add a version, never edit
//! one. Not here: where an event leads.

use serde::{Deserialize, Serialize};

use super::{Letter, MailFailedV1, MailRequestedV1};

kit::events! {
    /// What can have happened to a mail.
    pub enum MailEvent for "mail" {
        "mail-requested" => MailRequested: 2 from MailRequestedV1,
        "mail-sending" => MailSending: 1,
        "mail-deferred" => MailDeferred: 1,
        "mail-sent" => MailSent: 1,
        "mail-failed" => MailFailed: 2 from MailFailedV1,
    }
}

/// Why a mail did not arrive. A closed list: a provider's own words hold addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// Nobody receives mail at the address.
    AddressRejected,
    /// The contact was gone when its turn came.
    ContactGone,
    /// What it speaks of had expired when its turn came.
    Expired,
    /// The provider would not take it.
    ProviderRefused,
    /// Nobody knows: sending it was begun, its end was not seen, and it is of a kind that is rather
    /// lost than sent twice.
    UnknownOutcome,
}

/// A letter is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailRequested {
    /// The letter.
    pub letter: Letter,
}

/// From here on the provider may get it, whatever becomes of the sender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailSending {}

/// The provider has certainly not got it, and will be asked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailDeferred {}

/// The provider has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailSent {}

/// It did not arrive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailFailed {
    /// Why.
    pub reason: FailureReason,
}
