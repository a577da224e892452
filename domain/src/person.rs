//! A person: names, vital dates, contacts that are really verified, skills, components, tags and
//! preferences, and a life from provisional to archived.
//!
//! Read in this order: `values` (what cannot be wrong), `command` (what may be asked), `event`
//! (what has happened), `state` (where each fact leads), `decide` (the rules), `error` (why not).
//! Not here: onboarding, who owns an e-mail address, and sending mail; they are contexts of their own.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod history;
mod state;
mod values;

pub use command::*;
pub use decide::{CHALLENGE_HOURS, CONTACTS_MAX, REQUESTS_PER_HOUR_MAX};
pub use error::PersonError;
pub use event::*;
pub use history::*;
pub use state::*;
pub use values::*;
