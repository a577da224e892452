//! What the contexts promise, told as scenarios, tables and properties.
//! Not here: a server; everything runs in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why")]

mod answers;
mod design;
mod mail;
mod onboarding;
mod person;
mod product;
mod reservation;
mod stripe_event;
mod wire;
