//! An effect whose intent and end are recorded, with an outside that the test commands.

use std::sync::{Arc, Mutex};

use domain::mail::{
    FailureReason, Mail, MailEvent, MarkMailDeferred, MarkMailFailed, MarkMailSending,
    MarkMailSent, examples,
};
use kit::{
    AggregateId, Command as _, CommandId, Delivery, Effect, Order, Outcome, Recorded, Retries,
    Retry, Start,
};
use tokio::sync::Notify;

use super::world::World;

/// What the outside does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It takes it.
    Takes,
    /// It takes it, and the caller is never told.
    TakesAndHangs,
    /// It takes it, and the caller is told that nobody knows.
    TakesAndCuts,
    /// It takes it, and the caller's code panics.
    TakesAndPanics,
    /// It takes it, and the caller's code orders more than it may.
    TakesAndBabbles,
    /// It is not there.
    Away,
    /// The effect does not ask it, and sets the mail aside.
    Doubtful,
}

/// Carries each requested mail outside.
#[derive(Clone)]
pub(crate) struct Postman {
    pub(crate) delivery: Delivery,
    outside: Arc<Mutex<Outside>>,
    asked: Arc<Mutex<usize>>,
    taken: Arc<Mutex<Vec<String>>>,
    pub(crate) took: Arc<Notify>,
}

impl Postman {
    pub(crate) fn new(delivery: Delivery, outside: Outside) -> Self {
        Self {
            delivery,
            outside: Arc::new(Mutex::new(outside)),
            asked: Arc::default(),
            taken: Arc::default(),
            took: Arc::default(),
        }
    }

    pub(crate) fn outside(&self, outside: Outside) {
        *self.outside.lock().unwrap() = outside;
    }

    /// How often the outside was asked.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// The mails that the outside has taken, in the order in which it did.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn take(&self, mail: &AggregateId) {
        self.taken.lock().unwrap().push(mail.to_string());
        self.took.notify_one();
    }
}

fn order(
    event: &Recorded<MailEvent>,
    command: impl Into<domain::mail::MailCommand>,
) -> serde_json::Result<Vec<Order>> {
    Ok(vec![Order::to::<Mail>(&event.aggregate_id, command)?])
}

impl Effect for Postman {
    const NAME: &'static str = "postman";
    const START: Start = Start::Beginning;
    const RETRIES: Retries = Retries {
        transient: Retry::forever(
            std::time::Duration::from_millis(5),
            std::time::Duration::from_millis(20),
        ),
        bug: Retry::NEVER,
    };
    const DEPENDENCY: Option<&'static str> = Some("post");
    type When = MailEvent;

    fn concerns(&self, event: &Recorded<MailEvent>) -> bool {
        matches!(event.event, MailEvent::MailRequested(_))
    }

    fn delivery(&self, _: &Recorded<MailEvent>) -> Delivery {
        self.delivery
    }

    fn intent(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        order(event, MarkMailSending {})
    }

    async fn run(&self, event: &Recorded<MailEvent>, _: &CommandId) -> Outcome {
        *self.asked.lock().unwrap() += 1;
        let outside = *self.outside.lock().unwrap();
        match outside {
            Outside::Takes => self.take(&event.aggregate_id),
            Outside::TakesAndHangs => {
                self.take(&event.aggregate_id);
                std::future::pending::<()>().await;
            }
            Outside::TakesAndCuts => {
                self.take(&event.aggregate_id);
                return Outcome::Unknown { reason: "the post was cut".to_owned() };
            }
            Outside::TakesAndPanics => {
                self.take(&event.aggregate_id);
                panic!("the postman stumbles");
            }
            Outside::TakesAndBabbles => {
                self.take(&event.aggregate_id);
                let sent = order(event, MarkMailSent {}).unwrap().remove(0);
                return Outcome::Done(vec![sent; 2000]);
            }
            Outside::Away => return Outcome::Away { reason: "the post is away".to_owned() },
            Outside::Doubtful => return Outcome::Park { reason: "an odd address".to_owned() },
        }
        Outcome::Done(order(event, MarkMailSent {}).unwrap())
    }

    fn withdrawn(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        order(event, MarkMailDeferred {})
    }

    fn interrupted(&self, event: &Recorded<MailEvent>) -> serde_json::Result<Vec<Order>> {
        order(event, MarkMailFailed { reason: FailureReason::UnknownOutcome })
    }
}

impl World {
    /// Requests the mail `id`.
    pub(crate) async fn request_mail(&self, id: &str) {
        let command = examples::commands().remove(0);
        let (name, body) = (command.name(), command.body().unwrap());
        let request =
            infrastructure::request::CommandRequest::new("mail", id.parse().unwrap(), name, body);
        self.client.send(&request).await.unwrap();
    }

    /// The kinds of events of the mail `id`, in order.
    pub(crate) async fn mail(&self, id: &str) -> Vec<String> {
        let subject = format!("event.mail.{id}");
        let mut kinds = Vec::new();
        for message in self.messages().await {
            if *message.subject == *subject {
                for element in infrastructure::envelope::decode(&message.payload).unwrap() {
                    kinds.push(element.kind.trim_start_matches("mail.mail-").to_owned());
                }
            }
        }
        kinds
    }
}
