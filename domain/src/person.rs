//! A person: names, vital dates, contacts that are really verified, skills, components, tags and
//! preferences, and a life from provisional to archived.
//!
//! Read in this order: `values` (what cannot be wrong), `command` (what may be asked), `event`
//! (what has happened), `state` (where each fact leads), `decide` (the rules), `error` (why not).
//! Not here: onboarding, who owns an e-mail address, and sending mail; they are contexts of their own.

mod command;
mod event;
mod history;
mod values;

pub use command::*;
pub use event::*;
pub use history::*;
pub use values::*;
