//! What may be asked of a mail.
//! Not here: the rules.

use serde::{Deserialize, Serialize};

use super::{FailureReason, Letter};

kit::commands! {
    /// What may be asked of a mail.
    pub enum MailCommand {
        "request-mail" => RequestMail,
        "mark-mail-sending" => MarkMailSending,
        "mark-mail-deferred" => MarkMailDeferred,
        "mark-mail-sent" => MarkMailSent,
        "mark-mail-failed" => MarkMailFailed,
    }
}

/// Let this letter be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestMail(
    /// The letter.
    pub Letter,
);

/// From here on the provider may get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkMailSending {}

/// The provider has certainly not got it, and will be asked again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkMailDeferred {}

/// It is with the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkMailSent {}

/// It cannot be sent, or it came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkMailFailed {
    /// Why.
    pub reason: FailureReason,
}
