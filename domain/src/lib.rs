//! The bounded contexts, pure: values, commands, events, old shapes, state, rules, errors.
//! Not here: IO, clocks, randomness, subjects, and how any of this runs.

#[macro_use]
mod shape;

pub mod design;
pub mod mail;
pub mod money;
pub mod onboarding;
pub mod person;
pub mod product;
pub mod reservation;
mod samples;
pub mod stripe_event;
pub mod values;
