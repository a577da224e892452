//! Each policy as sentences, and all of them together until nothing follows any more.
//! Not here: a server; orders are decided in memory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why")]

mod activate_on_onboarding;
mod announce_design;
mod deadlines;
mod erase_stripe_events;
mod onboarding_driver;
mod record_stripe_payments;
mod reserve_verified_email;
mod send_verification;
mod sentence;
mod together;
mod welcome;
mod world;
