//! One example of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use chrono::TimeDelta;
use kit::scenario::{id, noon};
use uuid::Uuid;

use super::{
    FailureReason, Letter, MailCommand, MailDeferred, MailEvent, MailFailed, MailRequested,
    MailSending, MailSent, MarkMailDeferred, MarkMailFailed, MarkMailSending, MarkMailSent,
    RequestMail, Template,
};

/// A letter that carries a code.
#[must_use]
pub fn verification() -> Letter {
    Letter {
        person: id("ada"),
        contact: Uuid::from_u128(1).into(),
        template: Template::VerifyContact,
        challenge: Some(Uuid::from_u128(2).into()),
        expires_at: Some(noon() + TimeDelta::hours(1)),
    }
}

/// A letter that says welcome.
#[must_use]
pub fn welcome() -> Letter {
    Letter {
        person: id("ada"),
        contact: Uuid::from_u128(1).into(),
        template: Template::Welcome,
        challenge: None,
        expires_at: None,
    }
}

/// Every event, in each variant that matters.
#[must_use]
pub fn events() -> Vec<MailEvent> {
    vec![
        MailRequested { letter: verification() }.into(),
        MailRequested { letter: welcome() }.into(),
        MailSending {}.into(),
        MailDeferred {}.into(),
        MailSent {}.into(),
        MailFailed { reason: FailureReason::AddressRejected }.into(),
        MailFailed { reason: FailureReason::UnknownOutcome }.into(),
    ]
}

/// Every command.
#[must_use]
pub fn commands() -> Vec<MailCommand> {
    vec![
        RequestMail(verification()).into(),
        MarkMailSending {}.into(),
        MarkMailDeferred {}.into(),
        MarkMailSent {}.into(),
        MarkMailFailed { reason: FailureReason::ProviderRefused }.into(),
        MarkMailFailed { reason: FailureReason::UnknownOutcome }.into(),
    ]
}
