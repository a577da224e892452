//! Payments: the built service between the stand-in for Stripe and those who pay.

mod intents;
mod reconcile;
mod signatures;
mod storm;
mod unaccounted;
mod webhooks;
mod world;
