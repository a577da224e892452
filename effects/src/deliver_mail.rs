//! Whoever a mail is requested for gets it, if there is still somebody, and something to say.
//! Not here: what it says, and how it travels.

use std::{future::Future, time::Duration};

use chrono::Utc;
use domain::{
    design::Design,
    mail::{
        FailureReason, Letter, Mail, MailCommand, MailEvent, MarkMailDeferred, MarkMailFailed,
        MarkMailSending, MarkMailSent, Template,
    },
    person::Person,
};
use kit::{Aggregate, AggregateId, CommandId, Delivery, Effect, Order, Outcome, Recorded, Secret};

use crate::{
    letter::{self, Reader},
    smtp::{Fault, Parcel, Smtp},
};

/// How long a mail waits that the receiving side wants later. Greylisting takes minutes.
const LATER: Duration = Duration::from_secs(60);
/// How long a mail waits when the log could not be read.
const SOON: Duration = Duration::from_secs(1);

/// Why the past was not read, in words without personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The log does not answer; it will.
    #[error("the log is away: {0}")]
    Away(String),
    /// What stands there cannot be read, however often it is tried: it is not ours, or newer.
    #[error("{0}")]
    Unreadable(String),
}

/// What has happened so far, as the log's leader knows it.
pub trait History: Send + Sync + 'static {
    /// The state of one aggregate.
    ///
    /// # Errors
    /// [`HistoryError`].
    fn state<A: Aggregate>(
        &self,
        id: &AggregateId,
    ) -> impl Future<Output = Result<A, HistoryError>> + Send;
}

/// Whenever a mail is requested, it is sent.
///
/// A code, and that a design is done, is rather said twice
/// than never, and then in the same words with the same `Message-ID`; a welcome is rather lost than
/// sent twice.
#[derive(Debug)]
pub struct DeliverMail<H> {
    history: H,
    smtp: Smtp,
    secret: Secret,
    later: Duration,
}

impl<H> DeliverMail<H> {
    /// Reads persons and requests in `history`, makes codes with the service's `secret`, and sends by `smtp`.
    pub const fn new(history: H, smtp: Smtp, secret: Secret) -> Self {
        Self { history, smtp, secret, later: LATER }
    }

    /// The same with another wait for mails that the receiving side wants later.
    #[must_use]
    pub const fn with_later(mut self, later: Duration) -> Self {
        self.later = later;
        self
    }
}

impl<H: History> DeliverMail<H> {
    async fn reader(&self, letter: &Letter) -> Result<Reader, HistoryError> {
        Ok(match letter {
            Letter::VerifyContact { person, .. } | Letter::Welcome { person, .. } => {
                Reader::Person(Box::new(self.history.state::<Person>(person).await?))
            }
            Letter::DesignCompleted { design } => {
                Reader::Design(Box::new(self.history.state::<Design>(design).await?))
            }
        })
    }
}

fn requested(event: &Recorded<MailEvent>) -> Option<&Letter> {
    match &event.event {
        MailEvent::MailRequested(requested) => Some(&requested.letter),
        _ => None,
    }
}

fn order(
    event: &Recorded<MailEvent>,
    command: impl Into<MailCommand>,
) -> serde_json::Result<Vec<Order>> {
    Ok(vec![Order::to::<Mail>(&event.aggregate_id, command)?])
}

/// The outcome with what records it.
fn recorded(
    orders: serde_json::Result<Vec<Order>>,
    outcome: impl FnOnce(Vec<Order>) -> Outcome,
) -> Outcome {
    match orders {
        Ok(orders) => outcome(orders),
        Err(error) => Outcome::Halt { reason: format!("a command has no JSON form: {error}") },
    }
}

fn failed(event: &Recorded<MailEvent>, reason: FailureReason) -> serde_json::Result<Vec<Order>> {
    order(event, MarkMailFailed { reason })
}

/// Nothing was to be sent, and that is recorded as the mail's end.
fn unsent(event: &Recorded<MailEvent>, why: &str, reason: FailureReason) -> Outcome {
    let reason_in_words = why.to_owned();
    recorded(failed(event, reason), |orders| Outcome::Skip { reason: reason_in_words, orders })
}

const fn promised(template: Template) -> Delivery {
    match template {
        Template::VerifyContact | Template::DesignCompleted => Delivery::AtLeastOnce,
        Template::Welcome => Delivery::AtMostOnce,
    }
}

/// What [`DeliverMail`] is concerned with, without the means to do any of it: for whoever only looks
/// at what it would do. It halts if it is run.
#[derive(Debug, Clone, Copy)]
pub struct MailsDue;

impl Effect for MailsDue {
    const NAME: &'static str = "deliver-mail";
    const DEPENDENCY: Option<&'static str> = Some("smtp");
    type When = MailEvent;

    fn concerns(&self, event: &Recorded<MailEvent>) -> bool {
        requested(event).is_some()
    }

    fn delivery(&self, event: &Recorded<MailEvent>) -> Delivery {
        requested(event).map_or(Delivery::AtLeastOnce, |letter| promised(letter.template()))
    }

    fn intent(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        order(event, MarkMailSending {})
    }

    async fn run(&self, _: &Recorded<MailEvent>, _key: &CommandId) -> Outcome {
        Outcome::Halt { reason: "there is nothing to send mail with".to_owned() }
    }
}

impl<H: History> Effect for DeliverMail<H> {
    const NAME: &'static str = MailsDue::NAME;
    const DEPENDENCY: Option<&'static str> = MailsDue::DEPENDENCY;
    type When = MailEvent;

    fn concerns(&self, event: &Recorded<MailEvent>) -> bool {
        MailsDue.concerns(event)
    }

    fn delivery(&self, event: &Recorded<MailEvent>) -> Delivery {
        MailsDue.delivery(event)
    }

    fn intent(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        MailsDue.intent(event)
    }

    async fn run(&self, event: &Recorded<MailEvent>, _key: &CommandId) -> Outcome {
        let Some(letter) = requested(event) else { return Outcome::skip("no request") };
        if letter.expires_at().is_some_and(|time| time <= Utc::now()) {
            return unsent(event, "it had expired", FailureReason::Expired);
        }
        let reader = match self.reader(letter).await {
            Ok(reader) => reader,
            Err(error) => {
                let reason = format!("its reader cannot be read: {error}");
                return match error {
                    HistoryError::Away(_) => Outcome::Retry { after: SOON, reason },
                    HistoryError::Unreadable(_) => Outcome::Park { reason },
                };
            }
        };
        let Some(mail) = letter::render(letter, &reader, &self.secret) else {
            return unsent(event, "the contact is gone", FailureReason::ContactGone);
        };
        // The same for every attempt: whoever gets it twice can tell.
        let name = format!("{}.{}", event.id, event.aggregate_id);
        let parcel = Parcel { mail: &mail, name: &name, time: event.time };
        match self.smtp.send(&parcel).await {
            Ok(()) => recorded(order(event, MarkMailSent {}), Outcome::Done),
            Err(Fault::Rejected(_)) => {
                recorded(failed(event, FailureReason::AddressRejected), Outcome::Done)
            }
            Err(Fault::Refused(_)) => {
                recorded(failed(event, FailureReason::ProviderRefused), Outcome::Done)
            }
            Err(fault @ Fault::Later(_)) => {
                Outcome::Retry { after: self.later, reason: fault.to_string() }
            }
            Err(fault @ Fault::Away(_)) => Outcome::Away { reason: fault.to_string() },
            Err(fault @ Fault::Unknown(_)) => Outcome::Unknown { reason: fault.to_string() },
        }
    }

    fn withdrawn(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        order(event, MarkMailDeferred {})
    }

    fn interrupted(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        failed(event, FailureReason::UnknownOutcome)
    }
}
