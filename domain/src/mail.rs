//! A mail: asked for, then sent or failed.
//!
//! It refers to the person and the contact by id, and to the code by its challenge, so that
//! neither address, name nor code is in it.
//! Not here: rendering and sending.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod state;

pub use command::{MailCommand, MarkMailFailed, MarkMailSent, RequestMail};
pub use error::MailError;
pub use event::{FailureReason, MailEvent, MailFailed, MailRequested, MailSent};
pub use state::{Letter, Mail, MailStage, Template};
