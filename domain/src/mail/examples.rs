//! One example of every event and command, for charts, documents and tests.
//! Not here: histories; scenarios tell them.

use chrono::TimeDelta;
use kit::scenario::{id, noon};
use uuid::Uuid;

use super::{
    FailureReason, Letter, MailCommand, MailDeferred, MailEvent, MailFailed, MailRequested,
    MailSending, MailSent, MarkMailDeferred, MarkMailFailed, MarkMailSending, MarkMailSent,
    RequestMail,
};

/// A letter that carries a code.
#[must_use]
pub fn verification() -> Letter {
    Letter::VerifyContact {
        person: id("ada"),
        contact: Uuid::from_u128(1).into(),
        challenge: Uuid::from_u128(2).into(),
        expires_at: noon() + TimeDelta::hours(1),
    }
}

/// A letter that says welcome.
#[must_use]
pub fn welcome() -> Letter {
    Letter::Welcome { person: id("ada"), contact: Uuid::from_u128(1).into() }
}

/// A letter that says that a design is done.
#[must_use]
pub fn design_completed() -> Letter {
    Letter::DesignCompleted { design: id("request-1") }
}

/// Every event, in each variant that matters.
#[must_use]
pub fn events() -> Vec<MailEvent> {
    vec![
        MailRequested { letter: verification() }.into(),
        MailRequested { letter: welcome() }.into(),
        MailRequested { letter: design_completed() }.into(),
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
