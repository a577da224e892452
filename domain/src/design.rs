//! A design request: who wants which design, the answers to its questions, its payment, and the work.
//!
//! Two regions of one machine: the request moves from draft to completed, and its payment follows from
//! what the provider reports, in whatever order and however often that comes.
//!
//! Read in this order: `values`, `command`, `event`, `state` (where each fact leads; `state/payment`
//! for the set of facts), `decide` (the rules), `error` (why not).
//!
//! ```
//! use domain::design::{Design, DesignCommand, DesignStatus};
//! use kit::{Aggregate, Command, scenario};
//!
//! let command = DesignCommand::read("create-request", br#"{"design_code":"D-7"}"#)?;
//! let mut design = Design::default();
//! for event in design.decide(&command, &scenario::context(scenario::noon(), 1))? {
//!     design.evolve(&event);
//! }
//! assert_eq!(design.status(), DesignStatus::Draft);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not here: what a product costs, what a provider's messages look like, and who hears of the outcome.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
pub mod examples;
mod state;
mod values;

pub use command::*;
pub use decide::{FACTS_MAX, QUESTIONS_MAX, VERSIONS_MAX};
pub use error::DesignError;
pub use event::*;
pub use state::*;
pub use values::*;
