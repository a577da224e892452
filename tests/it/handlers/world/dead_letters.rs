//! The dead letters of a world: its keys are servers.

use infrastructure::deadletter::{Action, DeadLetter, DeadLetters, Key};
use tests::Letters;

use super::World;

impl World {
    pub(crate) async fn letters(&self) -> DeadLetters {
        DeadLetters::open(&self.connection).await.unwrap()
    }

    /// Waits until `id` is parked for `handler`.
    pub(crate) async fn parked(&self, handler: &str, id: &str) -> DeadLetter {
        Letters::open(&self.connection).await.parked(&key(handler, id), |_| true).await
    }

    /// Waits until `id` is not parked for `handler`.
    pub(crate) async fn released(&self, handler: &str, id: &str) {
        Letters::open(&self.connection).await.released(&key(handler, id)).await;
    }

    /// Asks for something to be done about what is at the head of the key.
    pub(crate) async fn ask(&self, letter: &DeadLetter, action: Action, data: Option<&str>) {
        Letters::open(&self.connection).await.ask(letter, action, data).await;
    }

    /// The kinds of what was recorded about a key, in order.
    pub(crate) async fn recorded(&self, handler: &str, id: &str) -> Vec<String> {
        Letters::open(&self.connection).await.recorded(&key(handler, id)).await
    }
}

/// The place of the server `id` among the dead letters of `handler`.
pub(crate) fn key(handler: &str, id: &str) -> Key {
    Key { handler: handler.to_owned(), aggregate: "server".to_owned(), id: id.parse().unwrap() }
}
