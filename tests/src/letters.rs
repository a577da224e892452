//! What tests ask about dead letters, and how they act on them as a person would.

use async_nats::Client;
use infrastructure::deadletter::{Action, DeadLetter, DeadLetters, Json, Key, Record, Requested};
use serde_json::{Value, value::RawValue};

use crate::{LIMIT, eventually};

/// The dead letters of a service.
#[derive(Debug)]
pub struct Letters(DeadLetters);

impl Letters {
    /// Opens them.
    ///
    /// # Panics
    /// When the server does not answer; so does everything else here.
    pub async fn open(client: &Client) -> Self {
        Self(DeadLetters::open(client).await.expect("the dead letters can be opened"))
    }

    /// All keys that stand still for `handler`.
    pub async fn list(&self, handler: &str) -> Vec<DeadLetter> {
        self.0.list(Some(handler)).await.expect("the dead letters can be listed")
    }

    /// Waits until the key stands still at something that `is` so.
    pub async fn parked(&self, key: &Key, is: impl Fn(&DeadLetter) -> bool) -> DeadLetter {
        eventually(&format!("{key} is parked"), LIMIT, async || {
            self.0.get(key).await.expect("a dead letter can be read").filter(&is)
        })
        .await
    }

    /// Waits until the key does not stand still.
    pub async fn released(&self, key: &Key) {
        eventually(&format!("{key} is released"), LIMIT, async || {
            self.0.get(key).await.expect("a dead letter can be read").is_none().then_some(())
        })
        .await;
    }

    /// Asks for something to be done about what is at the head of the key.
    pub async fn ask(&self, letter: &DeadLetter, action: Action, data: Option<&str>) {
        let json = |data: &str| Json(RawValue::from_string(data.to_owned()).expect("JSON"));
        let request = Requested {
            request: uuid::Uuid::now_v7(),
            action,
            event: letter.parked.event.clone(),
            data: data.map(json),
            schema_version: None,
            who: "a test".to_owned(),
            why: "it must".to_owned(),
            selection: None,
            time: chrono::Utc::now(),
        };
        let asked = self.0.request(&letter.key, letter.last, request).await;
        asked.expect("something can be asked");
    }

    /// The kinds of what was recorded about a key, in order.
    pub async fn recorded(&self, key: &Key) -> Vec<String> {
        let history = self.0.history(key).await.expect("the history can be read");
        history.into_iter().map(|entry| kind(&entry.record.expect("a record"))).collect()
    }
}

fn kind(record: &Record) -> String {
    let bytes = record.encode().expect("JSON");
    let value: Value = serde_json::from_slice(&bytes).expect("JSON");
    value["kind"].as_str().expect("a kind").to_owned()
}
