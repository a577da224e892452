//! The bounded contexts, pure: values, commands, events, old shapes, state, rules, errors.
//! Not here: IO, clocks, randomness, subjects, and how any of this runs.

pub mod mail;
pub mod onboarding;
pub mod person;
pub mod reservation;
