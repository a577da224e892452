//! What readers get for what has happened, and that the same log always gives the same.
//! Not here: SQL; documents are folded in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why")]

mod directory;
mod folding;
mod history;
mod onboarding_board;
mod people;
mod skills;
mod timeline;
