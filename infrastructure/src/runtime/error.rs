//! Why an instance does not run.

use crate::{
    connection::ConnectError, durable::DurableError, handler::HandlersError, micro::ServiceError,
    problem::Problem, provision::ProvisionError,
};

/// Why an instance did not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// NATS cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The streams are not as they should be.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The handlers cannot run.
    #[error(transparent)]
    Handlers(#[from] HandlersError),
    /// Durable commands cannot be carried out.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// An endpoint cannot take requests.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The secret is not the one that the log was begun with, or a master key of others is missing.
    #[error("{0}")]
    Secret(#[source] Problem),
    /// The streams are being put back.
    #[error("{0}")]
    Restoring(#[source] Problem),
    /// A part that an instance cannot do without has ended.
    #[error("{0} ended though nobody asked it to: standard error has the reason")]
    Ended(&'static str),
    /// The commands' thread does not run.
    #[error("the commands' thread does not run: {0}")]
    Thread(#[from] std::io::Error),
}
