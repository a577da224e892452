//! What tests ask about dead letters, and how they act on them.

use infrastructure::deadletter::{Action, DeadLetter, DeadLetters, Entry, Json, Key, Requested};
use serde_json::value::RawValue;
use tests::{LIMIT, eventually};

use super::{World, json};

impl World {
    pub(crate) async fn letters(&self) -> DeadLetters {
        DeadLetters::open(&self.connection).await.unwrap()
    }

    /// Waits until `id` is parked for `handler`.
    pub(crate) async fn parked(&self, handler: &str, id: &str) -> DeadLetter {
        let (letters, key) = (self.letters().await, key(handler, id));
        eventually(&format!("{key} is parked"), LIMIT, async || letters.get(&key).await.unwrap())
            .await
    }

    /// Waits until `id` is not parked for `handler`.
    pub(crate) async fn released(&self, handler: &str, id: &str) {
        let (letters, key) = (self.letters().await, key(handler, id));
        eventually(&format!("{key} is released"), LIMIT, async || {
            letters.get(&key).await.unwrap().is_none().then_some(())
        })
        .await;
    }

    /// Asks for something to be done about what is at the head of the key.
    pub(crate) async fn ask(&self, letter: &DeadLetter, action: Action, data: Option<&str>) {
        let data = data.map(|data| Json(RawValue::from_string(data.to_owned()).unwrap()));
        let request = Requested {
            request: uuid::Uuid::now_v7(),
            action,
            event: letter.parked.event.clone(),
            data,
            schema_version: None,
            who: "a test".to_owned(),
            why: "it must".to_owned(),
            selection: None,
            time: chrono::Utc::now(),
        };
        self.letters().await.request(&letter.key, letter.last, request).await.unwrap();
    }

    /// The kinds of what was recorded about a key, in order.
    pub(crate) async fn recorded(&self, handler: &str, id: &str) -> Vec<String> {
        let history = self.letters().await.history(&key(handler, id)).await.unwrap();
        let kind = |entry: Entry| {
            let value = json(&entry.record.unwrap().encode().unwrap());
            value["kind"].as_str().unwrap().to_owned()
        };
        history.into_iter().map(kind).collect()
    }
}

/// The place of the server `id` among the dead letters of `handler`.
pub(crate) fn key(handler: &str, id: &str) -> Key {
    Key { handler: handler.to_owned(), aggregate: "server".to_owned(), id: id.parse().unwrap() }
}
