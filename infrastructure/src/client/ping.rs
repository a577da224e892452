//! Whether anybody is there to answer.

use async_nats::{RequestErrorKind, connection::State};
use nats::{micro, names};

use super::Client;
use crate::problem::Problem;

impl Client {
    /// Asks whether any instance is there, over a connection that stands.
    ///
    /// # Errors
    /// `unavailable`: who is away, the server or the service.
    pub async fn ping(&self) -> Result<(), Problem> {
        if self.connection.connection_state() != State::Connected {
            return Err(Problem::unavailable("there is no connection to NATS"));
        }
        let answer = self.connection.request(micro::ping_any(names::SERVICE), "".into()).await;
        answer.map(|_| ()).map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Problem::unavailable("no instance takes requests"),
            _ => Problem::unavailable("the service does not answer"),
        })
    }
}
