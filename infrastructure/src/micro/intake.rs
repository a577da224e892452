//! A share of a subject's messages that can be given up without losing one.

use std::time::Duration;

use async_nats::{Message, SubscribeError, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use nats::names;
use tokio::time::timeout;

/// More messages than can be on their way from the server when an intake is left.
const SLACK: u64 = 1024;
/// Other members of the queue group take their share of the slack, so one round may not do.
const ROUNDS_MAX: u32 = 16;
/// A round trip to a busy server and back.
const ROUND_MAX: Duration = Duration::from_millis(250);

/// A member of the service's queue group on one subject.
#[derive(Debug)]
pub(crate) struct Intake {
    connection: async_nats::Client,
    subscriber: Subscriber,
    filler: String,
    received: u64,
    rounds: Option<u32>,
}

impl Intake {
    /// Joins the queue group on `subject`. Messages on `filler`, which `subject` covers, must mean
    /// nothing to whoever takes them.
    pub(crate) async fn join(
        connection: async_nats::Client,
        subject: &str,
        filler: String,
    ) -> Result<Self, SubscribeError> {
        let group = names::SERVICE.to_owned();
        let subscriber = connection.queue_subscribe(subject.to_owned(), group).await?;
        // The server takes what comes on one connection in turn, so when it says that nobody is at
        // an address of our own, it has the subscription and whoever asks from now on is heard.
        let _ = connection.request(connection.new_inbox(), bytes::Bytes::new()).await;
        Ok(Self { connection, subscriber, filler, received: 0, rounds: None })
    }

    /// The next message; `None` once it has been left and the last one taken.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        let message = loop {
            let Some(rounds) = self.rounds else { break self.subscriber.next().await };
            if let Ok(message) = timeout(ROUND_MAX, self.subscriber.next()).await {
                break message;
            }
            if rounds == ROUNDS_MAX {
                let _ = self.subscriber.unsubscribe().await;
            } else {
                self.fill().await;
            }
            self.rounds = Some(rounds + 1);
        };
        self.received += u64::from(message.is_some());
        message
    }

    /// Leaves the group. The client forgets a subscription as soon as it has asked the server to
    /// end it, and whatever the server had sent by then is lost. So the server is asked to end it
    /// after some messages more than can be on their way, and those are then sent to it.
    pub(crate) async fn leave(&mut self) {
        self.rounds = Some(0);
        if self.subscriber.unsubscribe_after(self.received + SLACK).await.is_ok() {
            self.fill().await;
        }
    }

    async fn fill(&self) {
        let fill = async {
            for _ in 0..SLACK {
                self.connection.publish(self.filler.clone(), Bytes::new()).await?;
            }
            Ok::<_, async_nats::PublishError>(())
        };
        // A connection that is down takes no filler; then there is nothing on its way either.
        let _ = timeout(ROUND_MAX, fill).await;
    }
}
