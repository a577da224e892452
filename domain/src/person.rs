//! A person: names, vital dates, contacts that are really verified, skills, components, tags and
//! preferences, and a life from provisional to archived.
//!
//! Read in this order: `values` (what cannot be wrong), `command` (what may be asked), `event`
//! (what has happened), `state` (where each fact leads), `decide` (the rules), `error` (why not).
//!
//! ```
//! use domain::person::{Person, PersonCommand};
//! use kit::{Aggregate, Command, scenario};
//!
//! let body = br#"{"name":{"given":["Ada"],"family":["Lovelace"]},"source":"api"}"#;
//! let command = PersonCommand::read("create-person", body)?;
//! let mut person = Person::default();
//! for event in person.decide(&command, &scenario::context(scenario::noon(), 1))? {
//!     person.evolve(&event);
//! }
//! assert_eq!(person.names.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
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
