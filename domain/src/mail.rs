//! A mail: asked for, taken up for sending, then sent or failed.
//!
//! It refers to whoever gets it by id, and to a code by its challenge, so that neither address, name
//! nor code is in it.
//! Not here: rendering and sending.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod history;
mod letter;
mod state;

pub use command::{
    MailCommand, MarkMailDeferred, MarkMailFailed, MarkMailSending, MarkMailSent, RequestMail,
};
pub use error::MailError;
pub use event::{
    FailureReason, MailDeferred, MailEvent, MailFailed, MailRequested, MailSending, MailSent,
};
pub use history::{FailureReasonV1, MailFailedV1, MailRequestedV1};
pub use letter::{Letter, Template};
pub use state::{Mail, MailStage};
