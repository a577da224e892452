//! What tests against real parts share: servers that end with their test, and waiting for a fact.
//! Not here: the tests, and stand-ins for parts that a user has.
#![expect(clippy::expect_used, reason = "a test kit that cannot go on ends its test")]

mod eventually;
mod server;

pub use eventually::{LIMIT, eventually};
pub use server::{Server, binary};
