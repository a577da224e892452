//! Where a mail stands, and where each event leads.
//! Not here: the rules that make events.

use kit::Machine;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{FailureReason, Letter, MailEvent};

/// Where a mail stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(MailStage),
    derive(VariantArray, IntoStaticStr),
    doc = "Where a mail stands, without its data."
)]
pub enum Mail {
    /// Never asked for.
    #[default]
    Unknown,
    /// To be sent.
    Requested(Letter),
    /// On its way to the provider; whether it got there is not known yet.
    Sending(Letter),
    /// With the provider.
    Sent(Letter),
    /// It did not arrive.
    Failed {
        /// What did not.
        letter: Letter,
        /// Why.
        reason: FailureReason,
    },
}

impl Mail {
    /// The letter, once it is asked for.
    #[must_use]
    pub const fn letter(&self) -> Option<&Letter> {
        match self {
            Self::Unknown => None,
            Self::Requested(letter)
            | Self::Sending(letter)
            | Self::Sent(letter)
            | Self::Failed { letter, .. } => Some(letter),
        }
    }
}

impl Machine for Mail {
    type Event = MailEvent;
    type Stage = MailStage;

    #[rustfmt::skip] // A table: one arrow per line.
    fn after(self, event: &MailEvent) -> Result<Self, Self> {
        use MailEvent as E;
        Ok(match (self, event) {
            (Self::Unknown,           E::MailRequested(e)) => Self::Requested(e.letter.clone()),
            (Self::Requested(letter), E::MailSending(_))   => Self::Sending(letter),
            (Self::Requested(letter), E::MailSent(_))      => Self::Sent(letter),
            (Self::Requested(letter), E::MailFailed(e))    => Self::Failed { letter, reason: e.reason },
            (Self::Sending(letter),   E::MailDeferred(_))  => Self::Requested(letter),
            (Self::Sending(letter),   E::MailSent(_))      => Self::Sent(letter),
            (Self::Sending(letter),   E::MailFailed(e))    => Self::Failed { letter, reason: e.reason },
            // A bounce may come long after the provider took the mail.
            (Self::Sent(letter),      E::MailFailed(e))    => Self::Failed { letter, reason: e.reason },
            (here, _) => return Err(here),
        })
    }

    fn stage(&self) -> MailStage {
        self.into()
    }
}
