//! A connection of one role that hears what the server refuses.

use async_nats::{Client, ConnectOptions, Event};
use tests::LIMIT;
use tokio::{sync::mpsc, time::timeout};

/// No role may say or hear this. Its refusal marks the end of what was tried before it, because
/// the server answers one connection in order.
const SENTINEL: &str = "sentinel";

/// One role's connection.
pub(crate) struct Role {
    pub(crate) client: Client,
    refusals: mpsc::Receiver<String>,
}

impl Role {
    /// Connects as the user `name`, with the inbox of that role.
    pub(crate) async fn connect(url: &str, name: &str) -> Self {
        let (heard, refusals) = mpsc::channel(1024);
        let client = ConnectOptions::new()
            .user_and_password(name.to_owned(), format!("{name}-secret"))
            .custom_inbox_prefix(format!("_INBOX.{name}"))
            .event_callback(move |event| {
                let heard = heard.clone();
                async move {
                    if let Event::ServerError(error) = event {
                        heard.send(error.to_string()).await.unwrap();
                    }
                }
            })
            .connect(url)
            .await
            .unwrap();
        Self { client, refusals }
    }

    /// Publishes to each subject and gives back those that the server refused.
    pub(crate) async fn refused_publishes<'a>(&mut self, subjects: &[&'a str]) -> Vec<&'a str> {
        for subject in subjects.iter().chain(&[SENTINEL]) {
            self.client.publish((*subject).to_owned(), "[]".into()).await.unwrap();
        }
        self.refused("publish", subjects).await
    }

    /// Subscribes to each subject and gives back those that the server refused.
    pub(crate) async fn refused_subscriptions<'a>(&mut self, subjects: &[&'a str]) -> Vec<&'a str> {
        let mut subscriptions = Vec::new();
        for subject in subjects.iter().chain(&[SENTINEL]) {
            subscriptions.push(self.client.subscribe((*subject).to_owned()).await.unwrap());
        }
        self.refused("subscription", subjects).await
    }

    async fn refused<'a>(&mut self, verb: &str, subjects: &[&'a str]) -> Vec<&'a str> {
        self.client.flush().await.unwrap();
        let refusal = |subject: &str| format!("permissions violation for {verb} to \"{subject}\"");
        let mut heard = Vec::new();
        while !heard.contains(&refusal(SENTINEL)) {
            let text = timeout(LIMIT, self.refusals.recv()).await.unwrap().unwrap().to_lowercase();
            heard.push(text.trim_start_matches("nats: ").to_owned());
        }
        let was_refused = |subject: &&str| heard.contains(&refusal(&subject.to_lowercase()));
        subjects.iter().copied().filter(was_refused).collect()
    }
}
